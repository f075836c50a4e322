using System.Runtime.CompilerServices;

namespace FedLora.Aggregation;

/// <summary>
/// M = U S V^T by one-sided Jacobi rotations (Demmel, Veselic 1992) of R^T, where M = Q R (Drmac, Veselic 2008: fewer sweeps, and the
/// rotated columns are V S). Deterministic, accurate to the last singular value that is not lost in rounding, and V is orthogonal
/// even where M has dependent columns.
/// </summary>
internal sealed class JacobiSvd
{
    // V is made orthogonal once more at the end, so rotations need only go far enough for the singular values.
    private const double Tolerance = 1e-12;
    private const int MaxSweeps = 40;

    // Columns shorter than this part of the longest are rounding errors: turning them never ends.
    private const double Negligible = 1e-15;

    /// <param name="m">Any shape; few columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public JacobiSvd(Matrix m)
    {
        // The longest column first: R^T is then nearly diagonal.
        var longest = ByNorm(m);
        using var ordered = Ordered(m, longest);
        using var qr = new Householder(ordered);
        using var rotated = qr.R().Transposed().Resized(m.Columns, m.Columns);
        var scale = Scale(rotated);
        for (var sweep = 0; sweep < MaxSweeps && Sweep(rotated); sweep++)
        {
        }
        using var sorted = Ordered(rotated, ByNorm(rotated));
        Singular = [.. Enumerable.Range(0, m.Columns).Select(j => Math.Sqrt(Vectors.Dot(sorted.Column(j), sorted.Column(j))) / scale)];
        using var vs = new Householder(sorted);
        using var v = vs.Q();
        V = new Matrix(m.Columns, m.Columns);
        for (var j = 0; j < m.Columns; j++)
        {
            for (var i = 0; i < m.Columns; i++)
                V[longest[i], j] = v[i, j];
        }
    }

    /// <summary>Singular values, largest first, as many as columns.</summary>
    public double[] Singular { get; }

    /// <summary>Right singular vectors as columns, orthogonal, of either sign. U S is M V.</summary>
    public Matrix V { get; }

    private static int[] ByNorm(Matrix m) =>
        [.. Enumerable.Range(0, m.Columns).OrderByDescending(j => Vectors.Dot(m.Column(j), m.Column(j)))];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Matrix Ordered(Matrix m, int[] order)
    {
        var ordered = new Matrix(m.Rows, m.Columns);
        for (var j = 0; j < order.Length; j++)
            m.Column(order[j]).CopyTo(ordered.Column(j));
        return ordered;
    }

    // A power of two, so that scaling is exact, brings the largest entry near 1: squares then neither overflow nor vanish.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Sweep(Matrix m)
    {
        var rotated = false;
        var squares = new double[m.Columns];
        for (var j = 0; j < squares.Length; j++)
            squares[j] = Vectors.Dot(m.Column(j), m.Column(j));
        var floor = squares.Max() * Negligible * Negligible;
        for (var p = 0; p < squares.Length - 1; p++)
        {
            for (var q = p + 1; q < squares.Length; q++)
            {
                if (squares[p] <= floor || squares[q] <= floor)
                    continue;
                var inner = Vectors.Dot(m.Column(p), m.Column(q));
                if (Math.Abs(inner) <= Tolerance * Math.Sqrt(squares[p] * squares[q]))
                    continue;
                rotated = true;
                var zeta = (squares[q] - squares[p]) / (2 * inner);
                var t = (zeta < 0 ? -1 : 1) / (Math.Abs(zeta) + Math.Sqrt(1 + (zeta * zeta)));
                var c = 1 / Math.Sqrt(1 + (t * t));
                Vectors.Rotate(m.Column(p), m.Column(q), c, c * t);
                squares[p] = Math.Max(0, squares[p] - (t * inner));
                squares[q] += t * inner;
            }
        }
        return rotated;
    }
}
