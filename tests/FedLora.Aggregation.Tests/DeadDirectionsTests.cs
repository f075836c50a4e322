using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>A direction whose row of A and column of B are both zero never has a gradient again: no step may leave one.</summary>
public sealed class DeadDirectionsTests
{
    private static readonly AdapterLayout Layout = new([new AdapterModule("q", 30, 24)], 8, 8, []);

    [Fact]
    public void UnderFlexLoraTheRankThatNoNodeHadComesBackAsOrthonormalRowsOfA()
    {
        var result = Aggregate("flexlora", rank: 2).Global;
        var a = result[new AdapterKey("q", Factors.A).Name];
        for (var p = 0; p < 8; p++)
        {
            for (var q = 0; q < 8; q++)
                Assert.Equal(p == q ? 1 : 0, Enumerable.Range(0, 24).Sum(j => (double)a.Values[(p * 24) + j] * a.Values[(q * 24) + j]),
                    1e-6);
        }
    }

    [Fact]
    public void UnderHetLoraWhatNoNodeHadStaysAsItWas()
    {
        var global = Global();
        var result = Aggregate("hetlora", rank: 2).Global;
        var (a, b) = (new AdapterKey("q", Factors.A).Name, new AdapterKey("q", Factors.B).Name);
        Assert.Equal(global[a].Values[(2 * 24)..], result[a].Values[(2 * 24)..]);
        Assert.NotEqual(global[a].Values[..(2 * 24)], result[a].Values[..(2 * 24)]);
        for (var i = 0; i < 30; i++)
            Assert.Equal(global[b].Values.AsSpan((i * 8) + 2, 6).ToArray(), result[b].Values.AsSpan((i * 8) + 2, 6).ToArray());
    }

    [Theory]
    [InlineData(12)]
    [InlineData(24)]
    public void ARaisedRankHasRowsOfAToLearnWith(int rank)
    {
        var (state, layout, error) = AdapterAlgebra.WithRank(Global(), Layout, rank);
        AggregationCase.Near("product", Naive.Product(Global(), Layout.Modules[0], Layout.Scale),
            Naive.Product(state, layout.Modules[0], layout.Scale));
        Assert.InRange(error, 0, 1e-6);
        var a = state[new AdapterKey("q", Factors.A).Name];
        for (var p = 0; p < rank; p++)
            Assert.Equal(1, a.Values.AsSpan(p * 24, 24).ToArray().Sum(v => (double)v * v), 1e-6);
    }

    private static AdapterState Global() => new(Layout.Tensors(Factors.A | Factors.B)
        .Select(
            t => new AdapterTensor(t.Name, t.Shape,
                [.. Enumerable.Range(0, AdapterTensor.Count(t.Shape)).Select(i => (float)Math.Sin((i * 1.3) + t.Name.Length + (i % 7)))])));

    private static AggregationResult Aggregate(string name, int rank)
    {
        var method = Methods.Get(name);
        var start = method.Start(Global(), null, new NodeTerms(Layout, MethodOptions.Default, 1, 1, rank)).Adapter;
        var trained = new AdapterState(start.Select(t => t with { Values = [.. t.Values.Select(v => (0.9f * v) + 0.01f)] }));
        return method.Aggregate(Global(), new UpdateSet([new MemoryUpdate("small", 1, trained)]),
            new AggregationOptions(Layout, MethodOptions.Default, 1, 1), default);
    }
}
