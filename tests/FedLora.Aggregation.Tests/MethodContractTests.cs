using FedLora.Adapters;

namespace FedLora.Aggregation.Tests;

/// <summary>What the rest of the system relies on: starts, ranks, late joiners, exports, refusals at creation.</summary>
public sealed class MethodContractTests
{
    private static readonly GeneratedRound Round = new(5, 4, 3, 1, [(12, 9), (7, 20)]);

    public static TheoryData<string> All => [.. Methods.All.Select(m => m.Name)];

    [Theory]
    [MemberData(nameof(All))]
    public void TheStartIsAFunctionOfTheSeedAndHasAZeroProduct(string name)
    {
        var method = Methods.Get(name);
        var one = method.Initialize(Round.Layout, MethodOptions.Default, 3, new RandomWeights(1));
        Assert.Equal(one.Hash, method.Initialize(Round.Layout, MethodOptions.Default, 3, new RandomWeights(1)).Hash);
        Assert.NotEqual(one.Hash, method.Initialize(Round.Layout, MethodOptions.Default, 4, new RandomWeights(1)).Hash);
        Round.Layout.Require(one, Factors.A | Factors.B | Factors.Head | (method.Trained(1, MethodOptions.Default) & Factors.R), name);
        Assert.All(Round.Layout.Modules, module => Assert.Equal(0, Naive.Norm(Naive.Product(one, module))));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void ANodeStartsWithItsOwnRankAndSendsWhatTheServerExpects(string name)
    {
        var method = Methods.Get(name);
        var global = Round.Global(method);
        for (var rank = method.Traits.MixesRanks ? 1 : 3; rank <= 3; rank++)
        {
            var start = method.Start(global, null, new NodeTerms(Round.Layout, MethodOptions.Default, 1, 5, rank));
            Assert.Equal(rank, start.Layout.Rank);
            start.Layout.Require(start.Adapter,
                Factors.A | Factors.B | Factors.Head | (method.Trained(1, MethodOptions.Default) & Factors.R), name);
            if (rank == 3 && !method.Traits.Folds)
                Assert.All(Round.Layout.Modules,
                    m => AggregationCase.Near(m.Name, Naive.Product(global, m, Round.Layout.Scale),
                        Naive.Product(start.Adapter, m, start.Layout.Scale), 1e-6));
        }
    }

    [Fact]
    public void HetLoraCutsTheProductAndKeepsItsScale()
    {
        var method = Methods.Get("hetlora");
        var start = method.Start(Round.Global(method), null, new NodeTerms(Round.Layout, MethodOptions.Default, 1, 5, 2));
        Assert.Equal(Round.Layout.Scale, start.Layout.Scale, 12);
    }

    [Fact]
    public void FedSaKeepsBAtTheNodeAndMaySoKeepTheHead()
    {
        var method = Methods.Get("fedsa-lora");
        var local = new MethodOptions { Head = HeadPolicy.Local };
        Assert.Equal(Factors.A | Factors.Head, method.Sent(1, MethodOptions.Default));
        Assert.Equal(Factors.A, method.Sent(1, local));
        Assert.Equal(Factors.B | Factors.Head, method.Kept(local));
        var global = Round.Global(method);
        var mine = global.With(global.Select(t => t with { Values = [.. t.Values.Select(_ => 9f)] }).ToArray());
        var start = method.Start(global, mine, new NodeTerms(Round.Layout, MethodOptions.Default, 2, 5, 3)).Adapter;
        foreach (var tensor in start)
            Assert.Equal(AdapterKey.Parse(tensor.Name).Factor == Factors.B, tensor.Values.All(v => v == 9f));
        Assert.Equal("export-personalised", Assert.Throws<FedLoraException>(() => method.Export(global, [], Round.Layout)).Code);
    }

    [Fact]
    public void RoLoraTurnsFromBToA() =>
        Assert.Equal((Factors.B | Factors.Head, Factors.A | Factors.Head, Factors.B | Factors.Head), (Rolora(1), Rolora(2), Rolora(3)));

    [Theory]
    [InlineData("ffa-lora")]
    [InlineData("fedsvd")]
    [InlineData("fed-sb")]
    public void TheHeadMayBeFrozen(string name)
    {
        var method = Methods.Get(name);
        var frozen = new MethodOptions { Head = HeadPolicy.Frozen };
        Assert.False(method.Trained(1, frozen).HasFlag(Factors.Head));
        method.Check(Round.Layout, frozen, [3]);
        var global = Round.Global(method);
        var updates = new UpdateSet(
            Round.Trained(method, global).Select((t, k) => new MemoryUpdate($"{k}", 1, t.Trained.Only(method.Sent(1, frozen)))).ToArray());
        var result = method.Aggregate(global, updates, Round.Options with { Method = frozen }, default);
        Assert.Equal(global.Only(Factors.Head).Hash, result.Global.Only(Factors.Head).Hash);
    }

    [Theory]
    [InlineData("flora")]
    [InlineData("fedex-lora")]
    [InlineData("fed-sb")]
    [InlineData("fedsvd")]
    [InlineData("flexlora")]
    public void TheExportOfSeveralRoundsIsTheirSum(string name)
    {
        var method = Methods.Get(name);
        var (global, folds) = (Round.Global(method), new List<AdapterState>());
        for (var r = 1; r <= 3; r++)
        {
            var result = method.Aggregate(global, (Round with { Round = r, Seed = 5 * r }).Updates(method, global),
                Round.Options with { Round = r }, default);
            global = result.Global;
            if (result.Fold is not null)
                folds.Add(result.Fold);
        }
        Assert.Equal(method.Traits.Folds ? 3 : 0, folds.Count);
        var (adapter, layout) = method.Export(global, folds, Round.Layout);
        layout.Require(adapter, Factors.A | Factors.B | Factors.Head, name);
        foreach (var module in layout.Modules)
        {
            var expected = Naive.Sum([Naive.Product(global, module, Round.Layout.Scale), .. folds.Select(f => Naive.Product(f, module))]);
            AggregationCase.Near(module.Name, expected, Naive.Product(adapter, module, layout.ScaleOf(module)));
            Assert.True(layout.RankOf(module) <= Math.Min(module.DOut, module.DIn));
        }
        var peft = new PeftConfig
        {
            Rank = layout.Rank,
            Alpha = layout.Alpha,
            TargetModules = PeftModules.Of("q_proj"),
            ModulesToSave = ["classifier"],
        }.WithPatternsOf(layout);
        Assert.Equal(layout.Modules.Select(layout.ScaleOf),
            new PeftFolder(peft, adapter).Layout().Modules.Select(peft.LayoutFor(layout.Modules, layout.Heads).ScaleOf));
    }

    [Fact]
    public void WhatAMethodCannotDoIsRefusedBeforeAnythingStarts()
    {
        Refuses("fedit", "cannot mix ranks", ranks: [3, 2]);
        Refuses("flexlora", "cannot use rank 4", ranks: [3, 4]);
        Refuses("flexlora", "cannot use rank 0", ranks: [3, 0]);
        Refuses("fedit", "freeze the head", new MethodOptions { Head = HeadPolicy.Frozen });
        Refuses("fedsvd", "keep the head at the node", new MethodOptions { Head = HeadPolicy.Local });
        Refuses("lora-fair", "lambda", new MethodOptions { Lambda = -1 });
        Refuses("fedex-lora", "residual rank", new MethodOptions { ResidualRank = 0 });
        Refuses("fed-sb", "privacy ledger", new MethodOptions { Init = FedSbInit.LoraSbPrivate });
        Refuses("fedsvd", "layers.0.q_proj", layout: Round.Layout with { Rank = 10 }, ranks: [10]);
        Refuses("fed-sb", "layers.1.q_proj", layout: Round.Layout with { Rank = 8 }, ranks: [8]);
        Refuses("fedit", "adapted module", layout: Round.Layout with { Modules = [] });
        Refuses("fedit", "alpha", layout: Round.Layout with { Alpha = 0 });
        foreach (var method in Methods.All)
            method.Check(Round.Layout, MethodOptions.Default, method.Traits.MixesRanks ? [1, 2, 3] : [3]);
        Assert.Equal("base-weights-needed",
            Assert.Throws<FedLoraException>(() => Methods.Get("fed-sb").Initialize(Round.Layout, MethodOptions.Default, 1)).Code);
        Assert.Contains("fedit, ffa-lora", Assert.Throws<FedLoraException>(() => Methods.Get("fedavg")).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUpdateSetRefusesDoublesEmptinessAndZeroExamples()
    {
        Assert.Equal("update-set-empty", Assert.Throws<FedLoraException>(() => new UpdateSet([])).Code);
        Assert.Equal("update-duplicate",
            Assert.Throws<FedLoraException>(
                () => new UpdateSet([new MemoryUpdate("a", 1, AdapterState.Empty), new MemoryUpdate("a", 2, AdapterState.Empty)])).Code);
        Assert.Equal("update-examples",
            Assert.Throws<FedLoraException>(() => new UpdateSet([new MemoryUpdate("a", 0, AdapterState.Empty)])).Code);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void ACancelledAggregationStops(string name)
    {
        var method = Methods.Get(name);
        var global = Round.Global(method);
        Assert.ThrowsAny<OperationCanceledException>(
            () => method.Aggregate(global, Round.Updates(method, global), Round.Options, new CancellationToken(canceled: true)));
    }

    private static Factors Rolora(int round) => Methods.Get("rolora").Trained(round, MethodOptions.Default);

    private static void Refuses(string method, string why, MethodOptions? options = null, int[]? ranks = null, AdapterLayout? layout = null)
    {
        var error = Assert.Throws<FedLoraException>(
            () => Methods.Get(method).Check(layout ?? Round.Layout, options ?? MethodOptions.Default, ranks ?? [3]));
        Assert.Equal("method-unsupported", error.Code);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }
}
