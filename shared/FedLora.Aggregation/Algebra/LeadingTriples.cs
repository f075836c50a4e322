namespace FedLora.Aggregation;

/// <summary>
/// The leading singular triples of a matrix of float64 by a block Krylov space of M^T M with full orthogonalisation (Golub, Underwood
/// 1977): it converges where the spectrum is flat too, and a space that has grown to the whole is exact. Deterministic.
/// </summary>
internal static class LeadingTriples
{
    // A block beyond the rank wanted: the next singular values then matter instead of the first that is not wanted.
    private const int Extra = 8;

    // ||M^T u s - s^2 v|| by s_1^2: far below what float32 factors can hold.
    private const double Tolerance = 1e-9;

    // Of a new direction, what the space does not hold yet; less than that is rounding.
    private const double Negligible = 1e-10;

    /// <summary>
    /// U S and V of the best product of a rank, signs as <see cref="LowRank.FixSigns"/>; null where so many are wanted that the full
    /// decomposition is the shorter way.
    /// </summary>
    public static (Matrix Us, Matrix V)? Of(Matrix m, int rank)
    {
        var block = rank + Extra;
        if (4 * block > Math.Min(m.Rows, m.Columns))
            return null;
        var transposed = m.Transposed();
        var (basis, images, size) = (new List<Matrix>(), new List<Matrix>(), 0);
        var next = Start(m.Columns, block);
        for (var (wanted, exhausted) = (6 * block, false); ; wanted += wanted / 2)
        {
            while (size < wanted && !exhausted)
            {
                var added = Extend(basis, next);
                exhausted = added.Columns == 0;
                if (exhausted)
                    break;
                basis.Add(added);
                images.Add(Tiles.Times(m, added));
                next = Tiles.Times(transposed, images[^1]);
                size += added.Columns;
            }
            var (us, v, residual) = Split(transposed, basis, images, rank);
            if (!exhausted && residual > Tolerance)
                continue;
            LowRank.FixSigns(us, v);
            return (us, v);
        }
    }

    private static Matrix Start(int rows, int columns)
    {
        var (random, start) = (Random64.For(0, "krylov"), new Matrix(rows, columns));
        for (var j = 0; j < columns; j++)
        {
            foreach (ref var value in start.Column(j))
                value = random.Symmetric();
        }
        return start;
    }

    // What is new in some columns, orthonormal; each is taken apart twice (Kahan, Parlett: twice is enough).
    private static Matrix Extend(List<Matrix> basis, Matrix columns)
    {
        var (added, count) = (new Matrix(columns.Rows, columns.Columns), 0);
        for (var j = 0; j < columns.Columns; j++)
        {
            var column = columns.Column(j);
            var before = Vectors.Dot(column, column);
            for (var pass = 0; pass < 2; pass++)
            {
                foreach (var block in basis)
                    Remove(block, block.Columns, column);
                Remove(added, count, column);
            }
            var after = Vectors.Dot(column, column);
            if (after <= Negligible * Negligible * before)
                continue;
            column.CopyTo(added.Column(count));
            Vectors.Scale(1 / Math.Sqrt(after), added.Column(count++));
        }
        return added.Resized(added.Rows, count);
    }

    private static void Remove(Matrix basis, int count, Span<double> column)
    {
        for (var k = 0; k < count; k++)
            Vectors.AddScaled(-Vectors.Dot(basis.Column(k), column), basis.Column(k), column);
    }

    // Rayleigh and Ritz: the leading triples as far as the space knows them.
    private static (Matrix Us, Matrix V, double Residual) Split(Matrix transposed, List<Matrix> basis, List<Matrix> images, int rank)
    {
        using var space = Matrix.Stack([.. basis.Select(b => (b, 1.0))]);
        using var image = Matrix.Stack([.. images.Select(b => (b, 1.0))]);
        var svd = new JacobiSvd(image);
        using var leading = svd.V.Resized(space.Columns, rank);
        var (us, v) = (image.Times(leading), space.Times(leading));
        using var back = Tiles.Times(transposed, us);
        var (largest, residual) = (svd.Singular[0] * svd.Singular[0], 0.0);
        for (var j = 0; j < rank; j++)
        {
            Vectors.AddScaled(-svd.Singular[j] * svd.Singular[j], v.Column(j), back.Column(j));
            residual = Math.Max(residual, Vectors.Dot(back.Column(j), back.Column(j)));
        }
        return (us, v, largest > 0 ? Math.Sqrt(residual) / largest : 0);
    }
}
