using FedLora.Training.Blocks;
using FedLora.Training.Privacy;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Privacy;

/// <summary>
/// Norms and clipped sums, formed and by ghost norms, over wild scales and rows that cancel each other, against sums of doubles one by one.
/// </summary>
public sealed class ClippingTapTests
{
    private const int Out = 40;
    private const int In = 36;
    private const double Clip = 1;

    /// <summary>2 T^2 &lt;= out in keeps the factors, more rows form the gradient.</summary>
    [Theory]
    [InlineData(6)]
    [InlineData(30)]
    public void What_is_clipped_is_what_is_added(int rows)
    {
        var random = new Random(rows);
        for (var trial = 0; trial < 60; trial++)
        {
            using var scope = NewDisposeScope();
            int[] counts = [rows, rows, 1 + random.Next(rows), 1];
            var (g, a) = Rows(random, counts);
            using var slot = new Slot("x", zeros([Out, In]));
            using var parameters = new ParameterSet([slot], CPU);
            using var tap = new ClippingTap(counts.Length, CPU);
            tap.Product(slot, Of(g, Out), Of(a, In), 0.5, counts);
            var norms = tap.Norms();
            var first = 0;
            for (var i = 0; i < counts.Length; first += counts[i++])
            {
                var exact = Exact(g, a, first, counts[i]);
                var (total, factors) = (zeros([Out * In], dtype: ScalarType.Float64), new double[counts.Length]);
                factors[i] = Math.Min(1, Clip / norms[i]);
                tap.AddWeighted(parameters, total, factors);
                var added = total.data<double>().ToArray();
                var length = Math.Sqrt(added.Sum(x => x * x));
                // The promise, whatever the rounding did to the gradient: nobody adds more than C.
                Assert.True(length <= Clip * (1 + 1e-7),
                    $"trial {trial}, example {i}: {length} for C = {Clip}, norm found {norms[i]:G9}, true {Norm(exact):G9}");
                // By ghost norms the norm is that of the exact gradient too, however much of it cancels.
                if (2 * rows * rows <= Out * In)
                    Assert.Equal(1, norms[i] / Norm(exact), 1e-6);
            }
        }
    }

    /// <summary>Two rows of norm 10^4 C that cancel but for 2 C: in single precision the ghost norm of this was 0.</summary>
    [Fact]
    public void A_norm_of_two_is_not_lost_among_rows_ten_thousand_times_as_long()
    {
        using var scope = NewDisposeScope();
        var (g, a) = (new float[2 * Out], new float[2 * In]);
        (g[0], g[Out]) = (10_000, -9_998);
        (a[0], a[In]) = (1, 1);
        using var slot = new Slot("x", zeros([Out, In]));
        using var parameters = new ParameterSet([slot], CPU);
        using var tap = new ClippingTap(1, CPU);
        tap.Product(slot, Of(g, Out), Of(a, In), 1, [2]);
        Assert.Equal(2, tap.Norms()[0], 1e-9);
    }

    /// <summary>Rows of any size from 1e-8 to 1e8; in every other example half of them nearly take the other half back.</summary>
    private static (float[] G, float[] A) Rows(Random random, int[] counts)
    {
        var (g, a, row) = (new List<float>(), new List<float>(), 0);
        foreach (var count in counts)
        {
            var scale = Math.Pow(10, (16 * random.NextDouble()) - 8);
            for (var t = 0; t < count; t++, row++)
            {
                var opposite = row % 2 == 1 && t > 0 && random.Next(4) > 0;
                var drift = Math.Pow(10, -7 * random.NextDouble());
                for (var i = 0; i < Out; i++)
                    g.Add(opposite ? (float)(-g[^Out] * (1 + (drift * random.NextDouble())))
                        : (float)(scale * (random.NextDouble() - 0.5)));
                for (var i = 0; i < In; i++)
                    a.Add(opposite ? a[^In] : (float)(random.NextDouble() - 0.5));
            }
        }
        return ([.. g], [.. a]);
    }

    private static Tensor Of(float[] numbers, int columns) => tensor(numbers).reshape(-1, columns);

    private static double[] Exact(float[] g, float[] a, int first, int count)
    {
        var sum = new double[Out * In];
        for (var t = first; t < first + count; t++)
        {
            for (var i = 0; i < sum.Length; i++)
                sum[i] += 0.5 * g[(t * Out) + (i / In)] * a[(t * In) + (i % In)];
        }
        return sum;
    }

    private static double Norm(double[] x) => Math.Sqrt(x.Sum(value => value * value));
}
