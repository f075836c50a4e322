using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.State;
using FedLora.Client.Trainers;
using FedLora.Federations.Exports;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Simulations.Demo;
using FedLora.Training.Data;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Preparation;
using FedLora.Training.Running;
using Grpc.Core;
using static FedLora.Federations.Definitions.DefinitionTerms;
using BaseModel = FedLora.Training.Models.BaseModel;

namespace FedLora.Server.Tests;

/// <summary>
/// Every method in a federation where everything is real: coordinator, nodes, gRPC, training engine; only the model is small.
/// </summary>
public sealed class MethodFederationTests(TinySites sites) : IClassFixture<TinySites>
{
    public static TheoryData<string> All => [.. Methods.All.Select(method => method.Name)];

    [Theory]
    [MemberData(nameof(All))]
    public async Task It_trains_aggregates_replays_and_exports(string name)
    {
        var method = Methods.Get(name);
        var definition = TinySites.Define(name);
        if (method.Traits.MixesRanks)
            definition.Lora.RankGroups["small"] = 2;
        await using var bench = await Bench.StartAsync();
        var (view, prepared) = await RunAsync(bench, definition);

        Assert.All(view.Rounds, round => Assert.Equal(3u, round.Updates));
        Assert.All(view.Rounds, round => Assert.True(double.IsFinite(round.Loss)));
        Assert.All(view.Rounds, round => Assert.Equal(!method.Traits.Personalised, round.HasAggregationError));
        if (method.Traits.Exact)
            Assert.All(view.Rounds, round => Assert.InRange(round.AggregationError, 0, 1e-6));
        if (name == "fedit")
            Assert.All(view.Rounds, round => Assert.InRange(round.AggregationError, 1e-4, 1));
        if (method.Traits.Personalised)
            RequirePersonal(bench);
        else
            await RequireExportAsync(bench, method, prepared.Definition.ToWire(layout: true));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task It_runs_sparsely(string name)
    {
        var method = Methods.Get(name);
        // What folds may not be masked on its way down, nor rounded.
        var (down, values) = method.Traits.Folds ? (1, "f32") : (0.25, method.Traits.MakesFactorsAnew ? "bf16" : "int8");
        var definition = TinySites.Define(name);
        if (method.Traits.MixesRanks)
            definition.Lora.RankGroups["small"] = 2;
        definition.Communication = new Communication
        {
            Down = down,
            Up = 0.25,
            Values = values,
            ErrorFeedback = !method.Traits.MakesFactorsAnew,
        };
        await using var bench = await Bench.StartAsync();
        var (view, prepared) = await RunAsync(bench, definition);
        Assert.All(view.Rounds, round => Assert.True(double.IsFinite(round.Loss)));
        Assert.Equal(3, view.Rounds.Select(round => round.AdapterSha256).Distinct(StringComparer.Ordinal).Count());
        if (!method.Traits.Personalised)
            await RequireExportAsync(bench, method, prepared.Definition.ToWire(layout: true));
    }

    [Fact]
    public async Task FedSb_starts_from_public_data_where_the_operator_names_them()
    {
        var definition = TinySites.Define("fed-sb");
        definition.MethodOptions.Init = "lora-sb";
        Assert.Equal("public-data-needed",
            Assert.Throws<FedLoraException>(() => FederationPreparation.Prepare(definition.ToModel(), sites.Model, null, default)).Code);
        await using var bench = await Bench.StartAsync();
        var (_, prepared) = await RunAsync(bench, definition, sites.Public);
        // R = diag(S) / s, largest first: the model starts a step away from the base weights.
        Assert.All(prepared.InitialAdapter.Only(Factors.R), r => Assert.True(r.Values[0] > 0 && r.Values[5] <= r.Values[0]));
    }

    [Fact]
    public void Public_data_that_nothing_is_computed_from_are_refused()
    {
        foreach (var definition in (FederationDefinition[])[TinySites.Define("fedit"), TinySites.Define("fed-sb")])
            Assert.Equal("public-data-unused",
                Assert.Throws<FedLoraException>(
                    () => FederationPreparation.Prepare(definition.ToModel(), sites.Model, sites.Public, default)).Code);
    }

    [Theory]
    [InlineData("fedsvd", 4096, "orthonormal rows")]
    [InlineData("fed-sb", 4096, "singular vectors")]
    public void A_rank_that_the_model_has_no_room_for_is_refused_where_the_federation_is_created(string name, int rank, string why)
    {
        var definition = TinySites.Define(name);
        definition.Lora.Rank = (uint)rank;
        var refusal = Assert.Throws<FedLoraException>(
            () => FederationPreparation.Prepare(definition.ToModel(), sites.Model, null, default));
        Assert.Equal("method-unsupported", refusal.Code);
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("lora.rank", refusal.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_frozen_head_is_taken_or_refused_where_the_federation_is_created(string name)
    {
        var definition = TinySites.Define(name);
        definition.MethodOptions.FreezeHead = true;
        if (Methods.Get(name).Traits.MayFreezeHead)
            FederationPreparation.Prepare(definition.ToModel(), sites.Model, null, default);
        else
            Assert.Contains("does not freeze the head",
                Assert.Throws<FedLoraException>(
                    () => FederationPreparation.Prepare(definition.ToModel(), sites.Model, null, default)).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void FedSb_does_not_start_from_private_data()
    {
        var definition = TinySites.Define("fed-sb");
        definition.MethodOptions.Init = "lora-sb-private";
        var refusal = Assert.Throws<FedLoraException>(
            () => FederationPreparation.Prepare(definition.ToModel(), sites.Model, sites.Public, default));
        Assert.Equal("method-unsupported", refusal.Code);
        Assert.Contains("ledger", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Mixed_ranks_are_taken_or_refused_where_the_federation_is_created(string name)
    {
        var definition = TinySites.Define(name);
        definition.Lora.RankGroups["small"] = 2;
        if (Methods.Get(name).Traits.MixesRanks)
            FederationPreparation.Prepare(definition.ToModel(), sites.Model, null, default);
        else
            Assert.Contains("cannot mix ranks: 2 beside 4",
                Assert.Throws<FedLoraException>(
                    () => FederationPreparation.Prepare(definition.ToModel(), sites.Model, null, default)).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public async Task FLora_refuses_an_adapter_with_B_where_the_federation_is_created()
    {
        var prepared = FederationPreparation.Prepare(TinySites.Define("flora").ToModel(), sites.Model, null, default);
        var warm = new AdapterState(
            prepared.InitialAdapter.Select(tensor => tensor with { Values = [.. tensor.Values.Select(value => value + 1)] }));
        await using var bench = await Bench.StartAsync();
        var error = await Assert.ThrowsAsync<RpcException>(
            () => bench.StartFederationAsync(prepared.Definition.ToWire(layout: true), warm));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains("starts every round from B = 0", error.Status.Detail, StringComparison.Ordinal);
    }

    private async Task<(FederationView View, FederationPreparation Prepared)> RunAsync(Bench bench, FederationDefinition definition,
        string? publicData = null)
    {
        var prepared = FederationPreparation.Prepare(definition.ToModel(), sites.Model, publicData, default);
        var token = await bench.TokenAsync(3);
        using var end = new CancellationTokenSource();
        var groups = new[] { "", "", "small" };
        var trainers = groups.Select((group, site) => sites.Trainer(site, group)).ToArray();
        var nodes = trainers.Select(
            (trainer, site) => bench.RunNodeAsync($"site-{site}", token, trainer, end.Token, groups[site], sites.DataOf(site))).ToArray();
        await bench.StartFederationAsync(prepared.Definition.ToWire(layout: true), prepared.InitialAdapter);
        var view = await bench.UntilAsync(seen => seen.State is FederationState.Finished or FederationState.Paused);
        Assert.True(view.State == FederationState.Finished, view.Reason);
        for (var round = 1u; round <= definition.Rounds; round++)
        {
            var replay = await bench.Operator.Admin.ReplayRoundAsync(new ReplayRoundRequest { Federation = "test", Round = round },
                bench.Operator.Options(default));
            Assert.Equal(view.Rounds[(int)round - 1].AdapterSha256, replay.ReplayedSha256);
        }
        await end.CancelAsync();
        await Task.WhenAll(nodes);
        Array.ForEach(trainers, trainer => trainer.Dispose());
        return (view, prepared);
    }

    private static void RequirePersonal(Bench bench)
    {
        var kept = Enumerable.Range(0, 3)
            .Select(site => KeptFactors.Newest(NodeFolder.FederationFolderOf(bench.StateOf($"site-{site}"), "test"))!).ToArray();
        Assert.All(kept, own => Assert.Equal(4, own.Only(Factors.B).Count));
        Assert.Equal(3, kept.Select(own => own.Hash).Distinct(StringComparer.Ordinal).Count());
    }

    // What PEFT loads is what a node would start the next round with: base weights, folds and all.
    private async Task RequireExportAsync(Bench bench, IFederatedMethod method, FederationDefinition definition)
    {
        var export = await bench.Operator.Admin.ExportAdapterAsync(new ExportAdapterRequest { Federation = "test" },
            bench.Operator.Options(default));
        var global = await bench.FetchAsync(export.Adapter);
        var folds = new List<AdapterState>();
        foreach (var fold in export.Fold)
            folds.Add(await bench.FetchAsync(fold));
        Assert.Equal(method.Traits.Folds ? 3 : 0, folds.Count);
        var folder = bench.Scratch("adapter");
        AdapterExport.ToPeft(export.Definition.ToModel(), global, (int)export.Round, folds, null).Write(folder);
        var peft = PeftFolder.Read(folder);
        var exported = AloneTraining.Score(definition.ToModel(), peft.State, peft.Layout(), sites.Model, sites.HeldOut, default);

        using var model = BaseModel.Load(sites.Model, DefinitionSettings.Load(definition.ToModel()));
        model.SetFolds(folds);
        var start = method.Start(Masked(global, method, definition), null,
            new NodeTerms(definition.ToModel().ToLayout(), definition.ToModel().ToMethodOptions(), 4, definition.Seed, 4));
        using var binding = new AdapterBinding(model.Transformer, start.Adapter, start.Layout);
        var next = Evaluator.Run(model.Transformer,
            new NodeData(sites.HeldOut, sites.Model, skipBadLines: false).Read(definition.ToModel(), default).Data.Examples);
        Assert.Equal(next.Loss, exported.Loss, 1e-4);
        Assert.True(exported.Loss < Math.Log(2) + 0.01, $"held-out loss {exported.Loss}");
    }

    // What comes down in round 4: the largest entries of what the round sends back, and all of the rest.
    private static AdapterState Masked(AdapterState global, IFederatedMethod method, FederationDefinition definition)
    {
        if (definition.Communication is not { Down: < 1 and > 0 and var down })
            return global;
        var sent = global.Only(method.Sent(4, definition.ToModel().ToMethodOptions()));
        var all = sent.SelectMany(tensor => tensor.Values).Select(Math.Abs).OrderDescending().ToArray();
        var least = all[(int)(all.Length * down) - 1];
        return global.With(
            sent.Select(tensor => tensor with { Values = [.. tensor.Values.Select(value => Math.Abs(value) >= least ? value : 0)] }));
    }
}
