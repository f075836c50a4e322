using System.Runtime.CompilerServices;

namespace FedLora.Aggregation;

/// <summary>
/// B A = U S V^T from r x r Gram matrices: A A^T = L L^T, W the eigenvectors of L^T B^T B L, then B' = B L W = U S and A' = (L^-1 ^T W)^T A
/// = V^T, in float32. Two passes over B and A, a panel of rows at a time; the difference that rounding makes is added up on the way, from
/// what it takes of either factor, so that it does not drown in the rounding of float64.
/// </summary>
internal static class GramSplit
{
    // Squared: the singular values lie within four digits.
    private const double Narrowest = 1e-8;

    /// <param name="b">d_out x r, row by row.</param>
    /// <param name="a">r x d_in, row by row.</param>
    /// <param name="measure">Whether to measure what rounding does.</param>
    /// <param name="newB">B', row by row.</param>
    /// <param name="newA">A', row by row, the entry of largest magnitude in each row (the first of equals) positive.</param>
    /// <returns>
    /// The squared norms of B' A' - B A and of B A; nothing where squaring loses something: singular values that lie too far apart, rows of
    /// A' that do not prove orthonormal. Then B' and A' are no results.
    /// </returns>
    public static (double Difference, double Whole)? Of(ReadOnlySpan<double> b, ReadOnlySpan<float> a, int rank, bool measure,
        Span<float> newB, Span<float> newA)
    {
        using var panel = Panels.Empty(rank);
        using var gramA = GramOfColumns(a, rank, panel);
        using var l = Cholesky.Of(gramA);
        if (l is null)
            return null;
        using var gramB = GramOfRows(b, rank, panel);
        using var lt = l.Transposed();
        using var core = lt.Times(gramB.Times(l));
        var svd = new JacobiSvd(core);
        if (!(svd.Singular[^1] > Narrowest * svd.Singular[0]))
            return null;
        using var byA = Cholesky.SolveTransposed(l, svd.V);
        using var byB = l.Times(svd.V);

        using var sums = new Lost(rank, measure);
        if (!ColumnsTimes(a, byA, sums, panel, newA))
            return null;
        FixSigns(newA, byA, byB, sums);
        RowsTimes(b, byB, sums, panel, newB);
        return measure ? (sums.Squared(byA, byB, gramA, gramB), Math.Max(0, gramB.Inner(gramA))) : default;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Matrix GramOfRows(ReadOnlySpan<double> factor, int rank, Matrix panel)
    {
        using var sum = Panels.Square(rank);
        for (var start = 0; start < factor.Length / rank; start += Panels.Length)
            AddGram(Panels.FromRows(factor, rank, start, panel), Panels.Count(factor.Length, rank, start), sum);
        return Panels.Symmetric(sum, rank);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Matrix GramOfColumns(ReadOnlySpan<float> factor, int rank, Matrix panel)
    {
        using var sum = Panels.Square(rank);
        for (var start = 0; start < factor.Length / rank; start += Panels.Length)
            AddGram(Panels.FromColumns(factor, rank, start, panel), Panels.Count(factor.Length, rank, start), sum);
        return Panels.Symmetric(sum, rank);
    }

    private static void AddGram(ReadOnlySpan<double> x, int count, Matrix sum) => Panels.AddOuter(x, x, count, sum);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool ColumnsTimes(ReadOnlySpan<float> a, Matrix by, Lost sums, Matrix panel, Span<float> rounded)
    {
        var rank = by.Rows;
        using var transposed = by.Transposed();
        using var t = Panels.Square(rank, transposed);
        using var gram = Panels.Square(rank);
        using var exact = Panels.Empty(rank);
        for (var start = 0; start < a.Length / rank; start += Panels.Length)
        {
            var count = Panels.Count(a.Length, rank, start);
            Panels.Multiply(t, Panels.FromColumns(a, rank, start, panel), count, exact);
            AddGram(exact.From(0, 0), count, gram);
            sums.Round(exact, count);
            Panels.ToColumns(sums.Rounded, count, rounded, rank, start);
            sums.AddA(count);
        }
        using var unit = Panels.Symmetric(gram, rank);
        using var identity = Matrix.Identity(rank, rank);
        unit.Add(-1, identity);
        return unit.Largest() <= 1e-10;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowsTimes(ReadOnlySpan<double> b, Matrix by, Lost sums, Matrix panel, Span<float> rounded)
    {
        var rank = by.Rows;
        using var transposed = by.Transposed();
        using var t = Panels.Square(rank, transposed);
        using var exact = Panels.Empty(rank);
        for (var start = 0; start < b.Length / rank; start += Panels.Length)
        {
            var count = Panels.Count(b.Length, rank, start);
            Panels.Multiply(t, Panels.FromRows(b, rank, start, panel), count, exact);
            sums.Round(exact, count);
            Panels.ToRows(sums.Rounded, count, rounded, rank, start);
            sums.AddB(exact, count);
        }
    }

    private static void FixSigns(Span<float> a, Matrix byA, Matrix byB, Lost sums)
    {
        for (var k = 0; k < byA.Columns; k++)
        {
            var row = a.Slice(k * (a.Length / byA.Columns), a.Length / byA.Columns);
            if (Vectors.IsLargestPositive(row))
                continue;
            Vectors.Negate(row);
            Vectors.Scale(-1, byA.Column(k));
            Vectors.Scale(-1, byB.Column(k));
            sums.Turn(k);
        }
    }

    /// <summary>What rounding takes of both factors: E_A = A' - rounded A', E_B likewise.</summary>
    private sealed class Lost(int rank, bool measure) : IDisposable
    {
        private readonly Matrix _lost = Panels.Empty(rank);
        private readonly Matrix _byA = Panels.Square(rank);
        private readonly Matrix _byB = Panels.Square(rank);
        private readonly Matrix _squares = new(Panels.Padded(rank), 2);

        /// <summary>The rounded panel.</summary>
        public Matrix Rounded { get; } = Panels.Empty(rank);

        public void Round(Matrix exact, int count) => Panels.Round(exact, count, Rounded, _lost);

        public void AddA(int count)
        {
            if (!measure)
                return;
            Panels.AddOuter(_lost.From(0, 0), Rounded.From(0, 0), count, _byA);
            Panels.AddSquares(_lost, count, _squares.Column(0));
        }

        public void AddB(Matrix exact, int count)
        {
            if (!measure)
                return;
            Panels.AddOuter(exact.From(0, 0), _lost.From(0, 0), count, _byB);
            Panels.AddSquares(_lost, count, _squares.Column(1));
        }

        /// <summary>Row k of A' has got the other sign.</summary>
        public void Turn(int k)
        {
            Vectors.Scale(-1, _byA.Column(k));
            for (var j = 0; j < _byA.Columns; j++)
                _byA[k, j] = -_byA[k, j];
        }

        /// <summary>
        /// ||B' E_A + E_B A'||^2, A' being rounded, with rows orthonormal to float32 and so columns of B' orthogonal, and what B' A' before
        /// rounding misses of B A, ||B (B A -> B' A') A||, r x r: no more than that apart in all.
        /// </summary>
        public double Squared(Matrix byA, Matrix byB, Matrix gramA, Matrix gramB)
        {
            using var gram = byB.TransposedTimes(gramB.Times(byB));
            var sum = 2 * _byB.Inner(_byA);
            for (var k = 0; k < rank; k++)
                sum += (gram[k, k] * _squares[k, 0]) + _squares[k, 1];
            using var turned = byA.Transposed();
            using var missed = byB.Times(turned);
            using var identity = Matrix.Identity(missed.Rows, missed.Rows);
            missed.Add(-1, identity);
            var rest = missed.TransposedTimes(gramB.Times(missed)).Inner(gramA);
            var both = Math.Sqrt(Math.Max(0, sum)) + Math.Sqrt(Math.Max(0, rest));
            return both * both;
        }

        public void Dispose()
        {
            _lost.Dispose();
            _byA.Dispose();
            _byB.Dispose();
            _squares.Dispose();
            Rounded.Dispose();
        }
    }
}
