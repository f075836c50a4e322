using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

public sealed class FoldSumTests
{
    private static readonly AdapterLayout Layout = new([new AdapterModule("a", 12, 17), new AdapterModule("b", 25, 9)], 2, 2, []);

    [Fact]
    public void WhileRanksFitTheFactorsLieSideBySideBitByBit()
    {
        var (one, two) = (Fold(1, 2), Fold(2, 3));
        var sum = FoldSum.Of([one, two], Layout);
        var a = new AdapterKey("a", Factors.A).Name;
        Assert.Equal([.. one[a].Values, .. two[a].Values], sum[a].Values);
        Assert.Equal([5, 17], sum[a].Shape);
        Assert.Equal(one.Hash, FoldSum.Of([one], Layout).Hash);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(50)]
    public void TheProductIsTheSumOfProductsWithTheSameBytesForAnyNumberOfThreads(int count)
    {
        var folds = Enumerable.Range(0, count).Select(seed => Fold(seed, 2)).ToArray();
        var sum = FoldSum.Of(folds, Layout, threads: 2);
        Assert.Equal(FoldSum.Of(folds, Layout).Hash, sum.Hash);
        foreach (var module in Layout.Modules)
        {
            Assert.InRange(sum[new AdapterKey(module.Name, Factors.A).Name].Rows, 1, Math.Min(module.DIn, module.DOut));
            AggregationCase.Near(module.Name, Naive.Sum(folds.Select(f => Naive.Product(f, module))), Naive.Product(sum, module), 1e-6);
        }
    }

    /// <summary>
    /// A thousand rounds, each adding a thousandth of a part in a thousand to the sum so far: what arrives in bfloat16 weights is off by
    /// less than one rounding.
    /// </summary>
    [Fact]
    public void AThousandSumsOneAfterAnotherStayBelowOneRoundingOfBfloat16()
    {
        var (sum, expected) = (Fold(0, 2), Layout.Modules.Select(m => Naive.Product(Fold(0, 2), m)).ToArray());
        var (bytes50, bytes1000) = (0, 0);
        for (var round = 1; round <= 1000; round++)
        {
            var fold = new AdapterState(Fold(round, 2).Select(t => t with { Values = [.. t.Values.Select(v => v * 0.02f)] }));
            sum = FoldSum.Of([sum, fold], Layout);
            expected = [.. expected.Select((e, i) => Naive.Sum([e, Naive.Product(fold, Layout.Modules[i])]))];
            (bytes50, bytes1000) = (round == 50 ? sum.ToBytes().Length : bytes50, sum.ToBytes().Length);
        }
        foreach (var (module, i) in Layout.Modules.Select((m, i) => (m, i)))
            AggregationCase.Near(module.Name, expected[i], Naive.Product(sum, module), Math.ScaleB(1, -9) / 100);
        Assert.Equal(bytes50, bytes1000);
    }

    /// <summary>Rounds whose products lie in common directions: rank 4 of 40 x 33, side by side 6 a round.</summary>
    [Theory]
    [InlineData(1.0)]
    [InlineData(1e-18)]
    [InlineData(1e12)]
    public void WhatRoundsHaveInCommonDoesNotGrowWithTheirNumber(double scale)
    {
        var layout = new AdapterLayout([new AdapterModule("a", 40, 33)], 6, 6, []);
        var (a, b) = (new AdapterKey("a", Factors.A).Name, new AdapterKey("a", Factors.B).Name);
        var (sum, expected) = ((AdapterState?)null, new double[40 * 33]);
        for (var round = 0; round < 300; round++)
        {
            var fold = new AdapterState(
            [
                new(a, [6, 33], Values(6, 33, (i, j) => scale * Math.Sin(((i % 4) + 1) * ((1.3 * j) + 1)))),
                new(b, [40, 6], Values(40, 6, (i, j) => Math.Cos((round * 11) + (i * (j + 1.7))))),
            ]);
            sum = FoldSum.Of(sum is null ? [fold] : [sum, fold], layout);
            expected = Naive.Sum([expected, Naive.Product(fold, layout.Modules[0])]);
            Assert.InRange(sum[a].Rows, 4, round == 0 ? 6 : 12);
        }
        AggregationCase.Near("a", expected, Naive.Product(sum!, layout.Modules[0]), 1e-5);

        static float[] Values(int rows, int columns, Func<int, int, double> value) =>
            [.. Enumerable.Range(0, rows * columns).Select(k => (float)value(k / columns, k % columns))];
    }

    [Fact]
    public void SumsOfNothingAreOfRankOne()
    {
        var nothing = new AdapterState(Fold(1, 8).Select(t => t with { Values = new float[t.Values.Length] }));
        var sum = FoldSum.Of([nothing, nothing, nothing], Layout);
        Assert.All(sum, t => Assert.Equal(1, Math.Min(t.Rows, t.Columns)));
        Assert.All(Layout.Modules, module => Assert.Equal(0, Naive.Norm(Naive.Product(sum, module))));
    }

    [Fact]
    public void ASumThatFloat32DoesNotHoldIsRefused()
    {
        var huge = new AdapterState(Fold(1, 2).Select(t => t with { Values = [.. t.Values.Select(_ => 3e38f)] }));
        Assert.Equal("tensor-not-finite",
            Assert.Throws<FedLoraException>(() => FoldSum.Of([.. Enumerable.Repeat(huge, 20)], Layout)).Code);
    }

    private static AdapterState Fold(int seed, int rank)
    {
        var random = new Random(seed);
        return new(
            (Layout with { Rank = rank }).Tensors(Factors.A | Factors.B)
                .Select(
                    t => new AdapterTensor(t.Name, t.Shape,
                        [.. Enumerable.Range(0, AdapterTensor.Count(t.Shape)).Select(_ => random.NextSingle() - 0.5f)])));
    }
}
