namespace FedLora.Aggregation;

/// <summary>
/// A matrix as factors of the rank that it really has, by probing its range (Halko, Martinsson, Tropp 2011, alg. 4.2): what many nodes or
/// rounds share lies in a sum again and again, and says nothing new. Deterministic.
/// </summary>
internal static class TrueRank
{
    // What may be lost, of the matrix' length: some roundings of float32, in which the factors came and which have every rank.
    private const double Negligible = 1.0 / (1 << 22);

    private const int First = 16;
    private const int Checks = 8;

    /// <summary>M = B A with B = U S and A = V^T, of factor 1; null where its rank is above <paramref name="widest"/>.</summary>
    /// <param name="times">M X.</param>
    /// <param name="transposedTimes">M^T X.</param>
    /// <param name="columns">Of M.</param>
    /// <param name="widest">The largest rank of interest.</param>
    public static NodeProduct? Of(Func<Matrix, Matrix> times, Func<Matrix, Matrix> transposedTimes, int columns, int widest)
    {
        for (var width = Math.Min(First, widest); width > 0; width = Math.Min(2 * width, widest))
        {
            using var probes = Signs(columns, width, $"range/{width}");
            using var image = times(probes);
            using var range = new Householder(image);
            using var q = range.Q();
            if (Holds(q, times, columns))
            {
                // M = Q (Q^T M).
                using var at = transposedTimes(q);
                var (us, v, singular) = LowRank.Truncate(q, at, width);
                var rank = RankOf(singular, width);
                return new(us.Resized(us.Rows, rank), v.Resized(v.Rows, rank), 1);
            }
            if (width == widest)
                break;
        }
        return null;
    }

    // For fresh probes, ||M w - Q Q^T M w|| is what the range lacks: so many of them that chance does not hide half of it from all.
    private static bool Holds(Matrix q, Func<Matrix, Matrix> times, int columns)
    {
        using var probes = Signs(columns, Checks, "check");
        using var image = times(probes);
        var whole = image.Inner(image);
        using var within = q.TransposedTimes(image);
        using var shadow = q.Times(within);
        image.Add(-1, shadow);
        return image.Inner(image) <= Negligible * Negligible * whole / 4;
    }

    private static int RankOf(double[] singular, int width)
    {
        var (rank, lost, whole) = (width, 0.0, singular.Sum(s => s * s));
        while (rank > 1)
        {
            lost += singular[rank - 1] * singular[rank - 1];
            if (lost > Negligible * Negligible * whole)
                break;
            rank--;
        }
        return rank;
    }

    private static Matrix Signs(int rows, int columns, string purpose)
    {
        var (random, signs) = (Random64.For(0, $"rank/{purpose}"), new Matrix(rows, columns));
        for (var j = 0; j < columns; j++)
        {
            foreach (ref var sign in signs.Column(j))
                sign = (random.Next() >> 63) == 0 ? 1 : -1;
        }
        return signs;
    }
}
