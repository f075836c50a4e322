using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>The obvious float64 computations, with full products: what ours are held against.</summary>
internal static class Naive
{
    /// <summary>A tensor's values as float64.</summary>
    public static double[] Doubles(AdapterTensor tensor) => Array.ConvertAll(tensor.Values, v => (double)v);

    /// <summary>(B R) A or B A of a module, row-major d_out x d_in, times a factor.</summary>
    public static double[] Product(AdapterState state, AdapterModule module, double factor = 1, AdapterState? fallback = null)
    {
        AdapterTensor Get(Factors f) =>
            state.TryGet(new AdapterKey(module.Name, f).Name, out var t) ? t : fallback![new AdapterKey(module.Name, f).Name];
        var (b, a) = (Get(Factors.B), Get(Factors.A));
        var (left, inner) = (Doubles(b), b.Columns);
        if (state.TryGet(new AdapterKey(module.Name, Factors.R).Name, out var r))
            left = Multiply(left, Doubles(r), module.DOut, inner, inner);
        var product = Multiply(left, Doubles(a), module.DOut, inner, module.DIn);
        return Array.ConvertAll(product, v => v * factor);
    }

    public static double[] Multiply(double[] x, double[] y, int rows, int inner, int columns)
    {
        var product = new double[rows * columns];
        for (var i = 0; i < rows; i++)
        {
            for (var k = 0; k < inner; k++)
            {
                for (var j = 0; j < columns; j++)
                    product[(i * columns) + j] += x[(i * inner) + k] * y[(k * columns) + j];
            }
        }
        return product;
    }

    public static double[] Sum(IEnumerable<double[]> parts) => parts.Aggregate((x, y) => [.. x.Zip(y, (a, b) => a + b)]);

    public static double Norm(double[] x) => Math.Sqrt(x.Sum(v => v * v));

    public static double Distance(double[] x, double[] y) => Norm([.. x.Zip(y, (a, b) => a - b)]);
}
