namespace FedLora.Simulations.Data;

/// <summary>Shares drawn from a symmetric Dirichlet distribution, as Hsu et al. 2019 (arXiv:1909.06335) split data sets.</summary>
internal static class Dirichlet
{
    /// <summary>
    /// Cuts a whole of <paramref name="length"/> into pieces in drawn proportions: their ends, non-decreasing, the last at its end.
    /// </summary>
    /// <param name="pieces">How many, at least 1.</param>
    /// <param name="concentration">Above 0; the smaller, the more uneven.</param>
    public static int[] Cut(int length, int pieces, double concentration, Random random)
    {
        var shares = new double[pieces];
        for (var i = 0; i < pieces; i++)
            shares[i] = Gamma(concentration, random);
        var (ends, total, cumulated) = (new int[pieces], shares.Sum(), 0.0);
        for (var i = 0; i < pieces; i++)
        {
            cumulated += shares[i];
            // All shares are 0 where the concentration is so small that every one underflows.
            ends[i] = i == pieces - 1 ? length : total > 0 ? (int)Math.Round(length * cumulated / total) : 0;
        }

        return ends;
    }

    // Marsaglia and Tsang, ACM TOMS 26 (2000), with their boost for shapes below 1.
    private static double Gamma(double shape, Random random)
    {
        if (shape < 1)
            return Gamma(shape + 1, random) * Math.Pow(1 - random.NextDouble(), 1 / shape);
        var d = shape - 1.0 / 3;
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            var v = Math.Pow(1 + c * x, 3);
            if (v > 0 && Math.Log(1 - random.NextDouble()) < 0.5 * x * x + d - d * v + d * Math.Log(v))
                return d * v;
        }
    }
}
