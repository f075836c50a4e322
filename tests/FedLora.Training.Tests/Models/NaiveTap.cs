using FedLora.Training.Blocks;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Models;

/// <summary>Forms every example's gradient in full, in float64: what a real tap must agree with.</summary>
internal sealed class NaiveTap(int examples) : IGradientTap
{
    private readonly Dictionary<Slot, double[][]> _gradients = [];

    public void Product(Slot parameter, Tensor g, Tensor a, double scale, IReadOnlyList<int> rows) =>
        Add(parameter, rows, (first, count) => g.narrow(0, first, count).@double().t().mm(a.narrow(0, first, count).@double()).mul(scale));

    public void Sum(Slot parameter, Tensor g, IReadOnlyList<int> rows) =>
        Add(parameter, rows, (first, count) => g.narrow(0, first, count).@double().sum(0L));

    public double[] Norms() => [.. Enumerable.Range(0, examples).Select(i => Math.Sqrt(_gradients.Values.Sum(g => g[i].Sum(v => v * v))))];

    public float[] ClippedSum(Slot slot, double[] norms, double clip)
    {
        var sum = new double[_gradients[slot][0].Length];
        for (var i = 0; i < examples; i++)
        {
            for (var j = 0; j < sum.Length; j++)
                sum[j] += _gradients[slot][i][j] * Math.Min(1, clip / norms[i]);
        }
        return [.. sum.Select(v => (float)v)];
    }

    private void Add(Slot parameter, IReadOnlyList<int> rows, Func<int, int, Tensor> gradient)
    {
        Assert.Equal(examples, rows.Count);
        var all = _gradients.TryGetValue(parameter, out var known) ? known
            : _gradients[parameter] = [.. rows.Select(_ => new double[parameter.Value.numel()])];
        for (int i = 0, first = 0; i < rows.Count; first += rows[i++])
        {
            var values = gradient(first, rows[i]).contiguous().data<double>().ToArray();
            for (var j = 0; j < values.Length; j++)
                all[i][j] += values[j];
        }
    }
}
