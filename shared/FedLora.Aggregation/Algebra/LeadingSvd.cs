using System.Numerics.Tensors;

namespace FedLora.Aggregation;

/// <summary>The leading singular triples of a large dense matrix, deterministic.</summary>
internal static class LeadingSvd
{
    private const int SmallEnough = 192;
    private const int MostIterations = 12;

    // Relative gain of captured energy at which the iteration stops.
    private const double Gain = 1e-4;

    /// <summary>
    /// Exact where the matrix is small; otherwise subspace iteration with oversampling (Halko, Martinsson, Tropp 2011, alg. 4.4) until the
    /// captured energy stands still.
    /// </summary>
    /// <param name="values">Row-major, rows x columns, finite. Scaled in place where sums of products in float32 would leave its
    /// range.</param>
    /// <param name="rank">At most the smaller side.</param>
    /// <returns>U (rows x rank) and V (columns x rank) with orthonormal columns; in each of V the entry of largest magnitude is
    /// positive.</returns>
    public static (Matrix U, double[] Singular, Matrix V) Of(float[] values, int rows, int columns, int rank, Random64 random)
    {
        var exponent = Scale(values);
        var (us, v) = Math.Min(rows, columns) <= SmallEnough ? Exact(values, rows, columns, rank)
            : Iterate(values, rows, columns, rank, random);
        for (var j = 0; j < rank; j++)
            Vectors.Scale(Math.ScaleB(1, exponent), us.Column(j));
        LowRank.FixSigns(us, v);
        var singular = new double[rank];
        var u = new Householder(us).Q();
        for (var j = 0; j < rank; j++)
        {
            singular[j] = Math.Sqrt(Vectors.Dot(us.Column(j), us.Column(j)));
            if (Vectors.Dot(u.Column(j), us.Column(j)) < 0)
                Vectors.Scale(-1, u.Column(j));
        }
        return (u, singular, v);
    }

    // A power of two, so that nothing is rounded; common weights are left alone.
    private static int Scale(float[] values)
    {
        var largest = Math.Abs(TensorPrimitives.MaxMagnitude(values));
        var exponent = largest > 0 ? Math.Max(-120, Math.ILogB(largest)) : 0;
        if (Math.Abs(exponent) <= 40)
            return 0;
        TensorPrimitives.Multiply(values, MathF.ScaleB(1, -exponent), values);
        return exponent;
    }

    private static (Matrix Us, Matrix V) Exact(float[] values, int rows, int columns, int rank)
    {
        var (b, at) = rows <= columns
            ? (Matrix.Identity(rows, rows), Matrix.FromColumns(values, columns, rows))
            : (Matrix.FromRows(values, rows, columns), Matrix.Identity(columns, columns));
        var (us, v, _) = LowRank.Truncate(b, at, rank);
        return (us, v);
    }

    private static (Matrix Us, Matrix V) Iterate(float[] values, int rows, int columns, int rank, Random64 random)
    {
        var width = Math.Min(Math.Min(rows, columns), rank + Math.Max(16, rank / 2));
        var basis = new Matrix(columns, width);
        for (var j = 0; j < width; j++)
        {
            foreach (ref var value in basis.Column(j))
                value = random.Symmetric();
        }
        basis = new Householder(basis).Q();
        for (var (iteration, energy) = (0, 0.0); iteration < MostIterations; iteration++)
        {
            var image = DenseProduct.Times(values, rows, columns, basis);
            var captured = image.Inner(image);
            basis = new Householder(DenseProduct.TransposedTimes(values, rows, columns, image)).Q();
            if (captured - energy <= Gain * captured)
                break;
            energy = captured;
        }
        var (us, v, _) = LowRank.Truncate(DenseProduct.Times(values, rows, columns, basis), basis, rank);
        return (us, v);
    }
}
