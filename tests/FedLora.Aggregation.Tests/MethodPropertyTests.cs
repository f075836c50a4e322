using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>What must hold for every method, whatever the numbers are.</summary>
public sealed class MethodPropertyTests
{
    public static TheoryData<string> All => [.. Methods.All.Select(m => m.Name)];

    public static TheoryData<string> Exact => [.. Methods.All.Where(m => m.Traits.Exact).Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(Exact))]
    public void AnExactMethodKeepsTheMeanOfProducts(string name) => GeneratedRound.ForAll(round =>
    {
        var method = Methods.Get(name);
        var global = round.Global(method);
        var result = method.Aggregate(global, round.Updates(method, global), round.Options, default);
        foreach (var module in round.Layout.Modules)
        {
            var mean = round.MeanProduct(method, global, module);
            var distance = Naive.Distance(mean, round.NewProduct(result, module));
            Assert.True(distance <= 1e-5 * Naive.Norm(mean), $"{module}: {distance} of {Naive.Norm(mean)}");
        }
        Assert.InRange(result.Report.RelativeError!.Value, 0, 1e-6);
    });

    [Theory]
    [MemberData(nameof(All))]
    public void TheSameBytesForAnyOrderOfArrivalAndAnyNumberOfThreads(string name) => GeneratedRound.ForAll(round =>
    {
        var method = Methods.Get(name);
        var global = round.Global(method);
        var updates = round.Updates(method, global);
        var one = method.Aggregate(global, updates, round.Options with { Threads = 1 }, default);
        var two = method.Aggregate(global, new UpdateSet(updates.Reverse()), round.Options with { Threads = 4 }, default);
        Assert.Equal(one.Global.ToBytes(), two.Global.ToBytes());
        Assert.Equal(one.Fold?.ToBytes(), two.Fold?.ToBytes());
    });

    [Theory]
    [MemberData(nameof(All))]
    public void EqualUpdatesGiveThatUpdateBack(string name) => GeneratedRound.ForAll(round =>
    {
        var method = Methods.Get(name);
        var global = round.Global(method);
        var result = method.Aggregate(global, round.Updates(method, global, equal: true), round.Options, default);
        var (trained, layout) = round.Trained(method, global, equal: true).First();
        foreach (var module in round.Layout.Modules)
        {
            // Under fedsa-lora B stays at the node.
            var expected = Naive.Product(method.Traits.Personalised ? global.With(trained.Only(Factors.A)) : trained, module, layout.Scale);
            Assert.True(Naive.Distance(expected, round.NewProduct(result, module)) <= 1e-5 * Naive.Norm(expected), module.Name);
        }
        AggregationCase.Near("head", Naive.Doubles(trained["base_model.model.classifier.weight"]),
            Naive.Doubles(result.Global["base_model.model.classifier.weight"]), 1e-6);
    });

    [Theory]
    [MemberData(nameof(All))]
    public void ScalingAllWeightsChangesNothing(string name) => GeneratedRound.ForAll(round =>
    {
        var method = Methods.Get(name);
        var global = round.Global(method);
        var one = method.Aggregate(global, round.Updates(method, global), round.Options, default);
        var two = method.Aggregate(global, round.Updates(method, global, examplesTimes: 7), round.Options, default);
        Assert.Equal((one.Global.Hash, one.Fold?.Hash), (two.Global.Hash, two.Fold?.Hash));
    }, cases: 15);

    [Theory]
    [MemberData(nameof(All))]
    public void NaNAndInfinityAreRefusedWithNodeAndTensor(string name) => GeneratedRound.ForAll(round =>
    {
        var method = Methods.Get(name);
        var global = round.Global(method);
        foreach (var bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            foreach (var tensor in round.Layout.Tensors(method.Sent(round.Round, MethodOptions.Default)).Select(t => t.Name))
            {
                var updates = round.Updates(method, global,
                    change: t => t.Name == tensor ? t with { Values = [.. t.Values[..^1], bad] } : t);
                var error = Assert.Throws<FedLoraException>(() => method.Aggregate(global, updates, round.Options, default));
                Assert.Equal("tensor-not-finite", error.Code);
                Assert.Contains($"'{tensor}'", error.Message, StringComparison.Ordinal);
                Assert.Contains("node-", error.Message, StringComparison.Ordinal);
            }
        }
    }, cases: 5);

    [Theory]
    [MemberData(nameof(All))]
    public void WrongTensorsAndRankZeroAreRefusedByName(string name) => GeneratedRound.ForAll(round =>
    {
        var method = Methods.Get(name);
        var global = round.Global(method);
        var tensor = round.Layout.Tensors(method.Sent(round.Round, MethodOptions.Default) & ~Factors.Head).First().Name;
        var rankAxis = AdapterKey.Parse(tensor).Factor == Factors.B ? 1 : 0;

        Refuses("tensor-shape",
            t => t.Name == tensor ? t with { Shape = rankAxis == 0 ? [0, t.Shape[1]] : [t.Shape[0], 0], Values = [] } : t);
        Refuses("tensor-shape", t => t.Name == tensor ? t with { Shape = [t.Shape[0] * t.Shape[1]] } : t);
        Refuses("tensor-missing", t => t.Name == tensor ? t with { Name = tensor + "x" } : t);

        void Refuses(string code, Func<AdapterTensor, AdapterTensor> change)
        {
            var error = Assert.Throws<FedLoraException>(
                () => method.Aggregate(global, round.Updates(method, global, change: change), round.Options, default));
            Assert.Equal(code, error.Code);
            Assert.Contains($"'{tensor}'", error.Message, StringComparison.Ordinal);
        }
    }, cases: 5);

    [Theory]
    [MemberData(nameof(All))]
    public void TheReportedErrorIsTheRealOne(string name) => GeneratedRound.ForAll(round =>
    {
        var method = Methods.Get(name);
        if (method.Traits.Personalised)
            return;
        var global = round.Global(method);
        var result = method.Aggregate(global, round.Updates(method, global), round.Options, default);
        var pairs = round.Layout.Modules.Select(m => (Mean: round.MeanProduct(method, global, m), New: round.NewProduct(result, m)))
            .ToArray();
        var expected = Math.Sqrt(
            pairs.Sum(p => Math.Pow(Naive.Distance(p.Mean, p.New), 2)) / pairs.Sum(p => Math.Pow(Naive.Norm(p.Mean), 2)));
        Assert.False(result.Report.StandardError is not null);
        Assert.Equal(expected, result.Report.RelativeError!.Value, 1e-6);
    });

    [Theory]
    [InlineData("fedit")]
    [InlineData("hetlora")]
    public void WithManyNodesTheErrorIsEstimated(string name)
    {
        var method = Methods.Get(name);
        var round = new GeneratedRound(11, 24, 3, 1, [.. Enumerable.Repeat((40, 30), 12)]);
        var global = round.Global(method);
        var report = method.Aggregate(global, round.Updates(method, global), round.Options, default).Report;
        var pairs = round.Layout.Modules.Select(
            m => (Mean: round.MeanProduct(method, global, m),
                New: round.NewProduct(method.Aggregate(global, round.Updates(method, global), round.Options, default), m))).ToArray();
        var expected = Math.Sqrt(
            pairs.Sum(p => Math.Pow(Naive.Distance(p.Mean, p.New), 2)) / pairs.Sum(p => Math.Pow(Naive.Norm(p.Mean), 2)));
        Assert.True(report.StandardError is not null);
        Assert.InRange(report.RelativeError!.Value, 0.8 * expected - 1e-6, 1.2 * expected + 1e-6);
    }
}
