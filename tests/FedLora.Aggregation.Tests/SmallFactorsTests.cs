using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>LoRA-FAIR where B is so small that its penalty cannot be seen beside the cosine.</summary>
public sealed class SmallFactorsTests
{
    [Theory]
    [InlineData(1e-12)]
    [InlineData(1e-13)]
    [InlineData(1e-15)]
    [InlineData(1e-20)]
    [InlineData(1e-30)]
    public void LoraFairIsNoWorseThanTheMean(double size)
    {
        var layout = new AdapterLayout([new AdapterModule("q", 30, 24)], 4, 4, []);
        var random = new Random(3);
        var common = Values(24 * 4);
        var updates = new UpdateSet(
            Enumerable.Range(0, 5)
                .Select(k => new MemoryUpdate($"{k}", 1, new AdapterState(layout.Tensors(Factors.A | Factors.B).Select(t =>
                    t.Name.EndsWith("lora_A.weight", StringComparison.Ordinal)
                        ? new AdapterTensor(t.Name, t.Shape, [.. common.Zip(Values(common.Length), (c, v) => c + (0.1f * v))])
                        : new AdapterTensor(t.Name, t.Shape, [.. Values(30 * 4).Select(v => (float)(v * size))]))))));
        var options = new AggregationOptions(layout, MethodOptions.Default, 1, 1);
        var global = Methods.Get("fedit").Initialize(layout, MethodOptions.Default, 1);
        var mean = Methods.Get("fedit").Aggregate(global, updates, options, default).Report.RelativeError!.Value;
        Assert.InRange(Methods.Get("lora-fair").Aggregate(global, updates, options, default).Report.RelativeError!.Value, 1e-4, mean);

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
