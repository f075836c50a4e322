using System.Runtime.CompilerServices;

namespace FedLora.Aggregation;

/// <summary>
/// X = Q R by Householder reflections (Golub, Van Loan, alg. 5.2.1): Q has orthonormal columns even where X has dependent ones. What the
/// earlier columns leave of a column is zero where it is no more than the rounding errors of that column: reflecting those on and on
/// would multiply one rounding by the next, to underflow within some twenty equal columns.
/// </summary>
internal sealed class Householder : IDisposable
{
    // Of a column's own length; what is dropped moves a product by no more, far below a float32's last digit.
    private const double Negligible = 2e-14;

    // Shorter columns have lost digits to underflow; a product of three float32 is longer.
    private const double Shortest = 1e-280;

    private readonly Matrix _reflected;
    private readonly double[] _tau;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Householder(Matrix x)
    {
        _reflected = x.Copy();
        _tau = new double[Math.Min(x.Rows, x.Columns)];
        for (var j = 0; j < _tau.Length; j++)
        {
            var column = _reflected.Column(j)[j..];
            var norm = Norm(column);
            if (norm <= Math.Max(Shortest, Negligible * Norm(x.Column(j))))
            {
                column.Clear();
                continue;
            }
            var beta = column[0] > 0 ? -norm : norm;
            _tau[j] = (beta - column[0]) / beta;
            Vectors.Scale(1 / (column[0] - beta), column[1..]);
            column[0] = 1;
            Reflect(column, _tau[j], _reflected, j + 1, j);
            column[0] = beta;
        }
    }

    /// <summary>Gives the memory back. The factorisation is not used any more.</summary>
    public void Dispose() => _reflected.Dispose();

    /// <summary>R: min(rows, columns) x columns, upper triangular.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Matrix R()
    {
        var r = new Matrix(_tau.Length, _reflected.Columns);
        for (var j = 0; j < r.Columns; j++)
            _reflected.Column(j)[..Math.Min(j + 1, r.Rows)].CopyTo(r.Column(j));
        return r;
    }

    /// <summary>
    /// Q Y, without forming Q. Where Y has more rows than X has columns, Q goes on with an orthonormal basis of the rest.
    /// </summary>
    /// <param name="y">Of min(rows, columns) rows, or more, up to the rows of X.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Matrix QTimes(Matrix y)
    {
        var product = y.Resized(_reflected.Rows, y.Columns);
        var reflector = new double[_reflected.Rows];
        for (var j = _tau.Length - 1; j >= 0; j--)
        {
            var v = reflector.AsSpan(j);
            _reflected.Column(j)[j..].CopyTo(v);
            v[0] = 1;
            Reflect(v, _tau[j], product, 0, j);
        }
        return product;
    }

    /// <summary>Q: rows x min(rows, columns).</summary>
    public Matrix Q() => QTimes(Matrix.Identity(_tau.Length, _tau.Length));

    // Columns from the first on, rows from the given one on.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Reflect(ReadOnlySpan<double> v, double tau, Matrix x, int first, int row)
    {
        if (tau == 0)
            return;
        var k = first;
        for (; k <= x.Columns - 4; k += 4)
            Vectors.Reflect4(v, tau, x.Column(k)[row..], x.Column(k + 1)[row..], x.Column(k + 2)[row..], x.Column(k + 3)[row..]);
        for (; k < x.Columns; k++)
            Reflect(v, tau, x.Column(k)[row..]);
    }

    private static void Reflect(ReadOnlySpan<double> v, double tau, Span<double> x)
    {
        var factor = tau * Vectors.Dot(v, x);
        if (factor != 0)
            Vectors.AddScaled(-factor, v, x);
    }

    // Scaled by the largest entry, so that squares neither overflow nor vanish.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Norm(ReadOnlySpan<double> x)
    {
        var norm = Vectors.Dot(x, x);
        if (norm is > 1e-200 and < 1e200)
            return Math.Sqrt(norm);
        var (largest, sum) = (0.0, 0.0);
        foreach (var value in x)
            largest = Math.Max(largest, Math.Abs(value));
        if (largest == 0)
            return 0;
        foreach (var value in x)
            sum += value / largest * (value / largest);
        return largest * Math.Sqrt(sum);
    }
}
