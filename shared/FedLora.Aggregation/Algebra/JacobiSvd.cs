namespace FedLora.Aggregation;

/// <summary>
/// M = (U S) V^T by one-sided Jacobi rotations (Demmel, Veselic 1992): deterministic, accurate to the last singular value, and V is
/// orthogonal even where M has dependent columns.
/// </summary>
internal sealed class JacobiSvd
{
    private const double Tolerance = 1e-15;
    private const int MaxSweeps = 60;

    // Columns shorter than this part of the longest are rounding errors: turning them never ends.
    private const double Negligible = 1e-15;

    /// <param name="m">Any shape; few columns.</param>
    public JacobiSvd(Matrix m)
    {
        var (us, v) = (m.Resized(Math.Max(m.Rows, 1), m.Columns), Matrix.Identity(m.Columns, m.Columns));
        var scale = Scale(us);
        for (var sweep = 0; sweep < MaxSweeps && Sweep(us, v); sweep++)
        {
        }
        var norms = Enumerable.Range(0, m.Columns).Select(j => Math.Sqrt(Vectors.Dot(us.Column(j), us.Column(j)))).ToArray();
        var order = Enumerable.Range(0, m.Columns).OrderByDescending(j => norms[j]).ToArray();
        Singular = [.. order.Select(j => norms[j] / scale)];
        V = new Matrix(m.Columns, m.Columns);
        for (var j = 0; j < order.Length; j++)
            v.Column(order[j]).CopyTo(V.Column(j));
    }

    /// <summary>Singular values, largest first, as many as columns.</summary>
    public double[] Singular { get; }

    /// <summary>Right singular vectors as columns, orthogonal. U S is M V.</summary>
    public Matrix V { get; }

    // A power of two, so that scaling is exact, brings the largest entry near 1: squares then neither overflow nor vanish.
    private static double Scale(Matrix m)
    {
        var largest = 0.0;
        for (var j = 0; j < m.Columns; j++)
        {
            foreach (var value in m.Column(j))
                largest = Math.Max(largest, Math.Abs(value));
        }
        if (largest == 0)
            return 1;
        var scale = Math.ScaleB(1, -Math.ILogB(largest));
        for (var j = 0; j < m.Columns; j++)
            Vectors.Scale(scale, m.Column(j));
        return scale;
    }

    private static bool Sweep(Matrix us, Matrix v)
    {
        var rotated = false;
        var squares = new double[us.Columns];
        for (var j = 0; j < squares.Length; j++)
            squares[j] = Vectors.Dot(us.Column(j), us.Column(j));
        var floor = squares.Max() * Negligible * Negligible;
        for (var p = 0; p < squares.Length - 1; p++)
        {
            for (var q = p + 1; q < squares.Length; q++)
            {
                if (squares[p] <= floor || squares[q] <= floor)
                    continue;
                var inner = Vectors.Dot(us.Column(p), us.Column(q));
                if (Math.Abs(inner) <= Tolerance * Math.Sqrt(squares[p] * squares[q]))
                    continue;
                rotated = true;
                var zeta = (squares[q] - squares[p]) / (2 * inner);
                var t = (zeta < 0 ? -1 : 1) / (Math.Abs(zeta) + Math.Sqrt(1 + (zeta * zeta)));
                var c = 1 / Math.Sqrt(1 + (t * t));
                Vectors.Rotate(us.Column(p), us.Column(q), c, c * t);
                Vectors.Rotate(v.Column(p), v.Column(q), c, c * t);
                squares[p] = Math.Max(0, squares[p] - (t * inner));
                squares[q] += t * inner;
            }
        }
        return rotated;
    }
}
