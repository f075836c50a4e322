using System.Text.Json;
using FedLora.Adapters;
using FedLora.Privacy.Ledger;
using FedLora.Tests;

namespace FedLora.Grains.Tests.Cluster;

/// <summary>
/// What holds on one silo holds on two: messages cross, grains find each other, and a round outlives the silo it runs on.
/// </summary>
public sealed class ClusterTests
{
    private static readonly (string Name, int Seed)[] Work = [("a", 1), ("b", 2), ("c", 3)];

    [Fact]
    public async Task A_federation_runs_with_its_grains_spread()
    {
        await using var silos = await TwoSilos.StartAsync(Samples.Definition with { Rounds = 2 }, nodesOnSecond: true);
        Assert.Equal(silos.First, await silos.PlaceOfAsync(silos.Federation));
        Assert.Equal(silos.First, await silos.PlaceOfAsync(silos.Registry));
        Assert.Equal(silos.Second, await silos.PlaceOfAsync(silos.Node("a")));
        var global = await AdapterAsync(silos);
        await FinishAsync(silos, rounds: 1);
        var expected = Expected(silos, global, 1);
        var view = await FinishAsync(silos, rounds: 2);
        Assert.Equal(expected, view.History[0].Adapter.Sha256);
        Assert.Equal((FederationState.Finished, 3, 3), (view.State, view.History[0].Updates, view.History[1].Updates));
    }

    /// <summary>
    /// Each method is called from the silo that the grain is not on; the test fails for one that is added and not called here.
    /// </summary>
    [Fact]
    public async Task Every_call_crosses_silos()
    {
        await using var silos = await TwoSilos.StartAsync(Samples.Definition, nodesOnSecond: false);
        var (federation, registry, enrolment, node) = (silos.Federation, silos.Registry, silos.Enrolment, silos.Node("a"));
        var janitor = silos.Grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key);
        await TwoSilos.OnAsync(silos.First, () => janitor.CleanUpAsync(default));
        foreach (var grain in new IAddressable[] { federation, registry, enrolment, node, janitor })
            Assert.Equal(silos.First, await silos.PlaceOfAsync(grain));

        var view = await FinishAsync(silos, rounds: 1);
        Assert.Equal(JsonSerializer.Serialize((await federation.WatchAsync(0, TimeSpan.Zero, default)).View.Definition),
            JsonSerializer.Serialize(view.Definition));
        var record = await federation.GetRoundAsync(1, default);
        Assert.Equal(3, record.Updates.Count);
        Assert.Equal(view.History[0].Attempt, record.Attempt);
        Assert.Contains(view.Adapter.Sha256, await federation.KeptBlobsAsync(default));
        var report = new StatusReport { Federation = "demo", Round = 9, Attempt = 1, Phase = TaskPhase.Training };
        Assert.False((await federation.ReportAsync(silos.IdOf("a"), report, default)).Wanted);
        Assert.False((await node.ReportAsync(report, default)).Wanted);
        await federation.CheckInAsync(new() { NodeId = silos.IdOf("a"), Name = "a", Group = "", Profile = new() }, default);
        await federation.LookedAsync(default);
        Assert.Null(await federation.TaskOfAsync("nobody", default));
        Assert.All(await node.TasksAsync(default), task => Assert.Equal("demo", task.Federation));
        await federation.PingAsync(default);
        Assert.NotEqual(0, await federation.VersionAsync(default));
        Assert.Equal(record.Before, await federation.AdapterAfterAsync(0, default));
        Assert.Empty(await federation.FoldsAfterAsync(1, default));
        Assert.Equal([view.Adapter.Sha256], await federation.RefersToAsync([view.Adapter.Sha256, new('0', 64)], default));
        var fewer = Samples.Definition with { Cohort = Samples.Definition.Cohort with { MaxRepeats = 0 } };
        Assert.Equal(0, (await federation.ChangeAsync(fewer, default)).Definition.Cohort.MaxRepeats);
        Assert.Equal(FederationState.Paused, (await federation.PauseAsync("test", default)).State);
        Assert.Equal(FederationState.Stopped, (await federation.StopAsync("test", default)).State);
        await federation.NodeRevokedAsync("nobody", default);
        await federation.NodeLeftAsync("nobody", default);
        await RefusedAsync(() => federation.CreateAsync(Samples.Definition, view.Adapter, [], default));
        var page = silos.Grains.GetGrain<IHistoryPageGrain>(HistoryPageGrain.Key("demo", 7));
        await TwoSilos.OnAsync(silos.First, () => page.ReadAsync(default));
        await page.WriteAsync([.. view.History], default);
        Assert.Equal(view.History, await page.ReadAsync(default));
        await page.DeleteAsync(default);
        var receipts = silos.Grains.GetGrain<ILedgerPageGrain>(LedgerPageGrain.Key("a", 7));
        await TwoSilos.OnAsync(silos.First, () => receipts.ReadAsync(default));
        await receipts.WriteAsync([], default);
        Assert.Empty(await receipts.ReadAsync(default));
        await receipts.DeleteAsync(default);

        Assert.Single(await enrolment.ListTokensAsync(default));
        Assert.Equal(3, (await enrolment.ListNodesAsync(default)).Count);
        Assert.Equal(3, await enrolment.CountNodesAsync(default));
        Assert.Equal("a", (await enrolment.FindNodeAsync(silos.IdOf("a"), default))!.Name);
        await RefusedAsync(() => registry.RequireFreeAsync("demo", default));
        await RefusedAsync(() => registry.AddFederationAsync(Samples.Definition, view.Adapter, [], default));
        Assert.Equal(FederationState.Stopped, Assert.Single(await registry.ListFederationsAsync(default)).State);
        await registry.NoteFederationAsync("demo", FederationState.Stopped, default);
        Assert.Empty((await registry.EnrolmentBeforeAsync(default)).Nodes);
        await RefusedAsync(() => registry.RemoveFederationAsync("nobody", default));
        await federation.DeleteAsync(default);
        Assert.True(await enrolment.RevokeTokenAsync((await enrolment.ListTokensAsync(default))[0].Id, default));
        Assert.False(await enrolment.KnowsTokenAsync("guess", default));

        Assert.Equal("z", (await enrolment.RenameNodeAsync(silos.IdOf("a"), "z", default)).Name);
        Assert.Equal("a", (await node.RenameAsync("a", default)).Name);
        await RefusedAsync(() => node.AuthenticateAsync("wrong", default));
        await node.EnrolAsync("a", "", "another", default);
        await node.WakeAsync(default);
        await node.ConnectedAsync(new("one", silos.Second), default);
        await node.DisconnectedAsync("one", default);
        await node.CoordinatorDiedAsync(silos.First, default);
        await node.RequireActiveAsync(default);
        Assert.Equal("a", (await node.GetAsync(default)).Name);
        Assert.True((await node.RevokeAsync(default)).Revoked);
        await janitor.WakeAsync(default);
        await janitor.ReleaseAsync([], default);
        await janitor.HoldAsync([], default);
        await CallPrivacyAsync(node);
        await RefusedAsync(() => node.RequireForgettableAsync(false, default));
        Assert.False((await node.ReadmitAsync(default)).Revoked);
        await RefusedAsync(() => enrolment.DeleteNodeAsync(silos.IdOf("a"), true, default));
        await node.RevokeAsync(default);
        await enrolment.DeleteNodeAsync(silos.IdOf("a"), true, default);
        await RefusedAsync(() => node.GetAsync(default));
        await node.ForgetAsync(default);
        await CallAccessAsync(silos);
        await CallSessionsAsync(silos);

        Assert.Equal([.. Methods().Order(StringComparer.Ordinal)], silos.Calls.Order(StringComparer.Ordinal));
    }

    /// <summary>The silo of the registry and the federation dies at each write of a round in turn; the other one takes over.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_round_outlives_its_silo(int write)
    {
        var life = new Life();
        await using var silos = await TwoSilos.StartAsync(Samples.Definition with { Rounds = 1 }, nodesOnSecond: true, life);
        var global = await AdapterAsync(silos);
        life.DieAfter(write);
        var killing = life.Died.ContinueWith(_ => silos.KillFirstAsync(), TaskScheduler.Default).Unwrap();
        var view = await FinishAsync(silos, rounds: 1);
        if (life.IsDead)
            await killing;
        Assert.Equal((FederationState.Finished, Expected(silos, global, 1)), (view.State, view.Adapter.Sha256));
        Assert.True(life.IsDead || write > 5, $"The silo lived through write {write}.");
    }

    /// <summary>
    /// Nobody calls any more when the silo of a running federation dies: the other's watch has it in memory again, so that its deadlines
    /// are kept.
    /// </summary>
    [Fact]
    public async Task A_federation_whose_silo_died_is_taken_over_without_a_caller()
    {
        await using var silos = await TwoSilos.StartAsync(Samples.Definition, nodesOnSecond: true);
        Assert.Equal(silos.First, await silos.PlaceOfAsync(silos.Federation));
        await silos.KillFirstAsync();
        var watch = silos.Service<FederationWatch>();
        using var limit = new CancellationTokenSource(Coordinator.Never);
        while ((await silos.PlaceOfAsync(silos.Federation))?.Equals(silos.Second) != true)
        {
            limit.Token.ThrowIfCancellationRequested();
            try
            {
                // As it does every minute.
                await watch.LookAsync(limit.Token);
            }
            catch (Exception error) when (error is OrleansException or TimeoutException)
            {
                // The silo is not declared dead yet.
            }
        }

        Assert.Equal(FederationState.Running, (await silos.Federation.GetAsync(default)).State);
    }

    /// <summary>
    /// It was "online" for a minute and a half: the coordinator that had its connection could no longer tell that it had hung up. A node
    /// that calls over the other one too stays.
    /// </summary>
    [Fact]
    public async Task A_node_that_goes_with_its_coordinator_is_gone_in_less_than_ten_seconds()
    {
        await using var silos = await TwoSilos.StartAsync(Samples.Definition, nodesOnSecond: true);
        foreach (var (name, _) in Work)
        {
            await silos.Node(name).ConnectedAsync(new(name, silos.First), default);
            await silos.PollAsync(name);
        }

        await silos.Node("b").ConnectedAsync(new("again", silos.Second), default);
        await silos.KillFirstAsync();
        await Until.SoAsync("the others are gone", async () => await OnlineAsync("a") is false && await OnlineAsync("c") is false,
            limit: TimeSpan.FromSeconds(10));
        Assert.True(await OnlineAsync("b"));

        async Task<bool> OnlineAsync(string name) => (await silos.Node(name).GetAsync(default)).Online;
    }

    private static async Task CallAccessAsync(TwoSilos silos)
    {
        var (access, revocations) = (silos.Grains.GetGrain<IAccessGrain>(IAccessGrain.Key),
            silos.Grains.GetGrain<IRevocationGrain>(IRevocationGrain.Key));
        await TwoSilos.OnAsync(silos.First, () => access.ListAsync(default));
        await TwoSilos.OnAsync(silos.First, () => revocations.WatchAsync(Guid.Empty, 0, TimeSpan.Zero, default));
        await access.KeepAsync(new() { Id = "local", Name = "local", Role = "operator", KeyHash = "key" }, default);
        var token = await access.CreateTokenAsync(new() { Role = "auditor", Name = "anna", Lifetime = TimeSpan.FromHours(1) }, default);
        Assert.Equal(("anna", token.Id), Assert.Single((await access.ListTokensAsync(default)).Select(listed => (listed.Name, listed.Id))));
        Assert.Equal("auditor", (await access.FindTokenAsync(token.Token, default))!.Role);
        var anna = (await access.EnrolAsync(new() { Token = token.Token, KeyHash = "another" }, default))!;
        Assert.Equal(anna, await access.AuthenticateAsync(anna.Id, "another", default));
        Assert.False(await access.RevokeTokenAsync(token.Id, default));
        Assert.Equal(["anna", "local"], (await access.ListAsync(default)).Select(entry => entry.Name));
        Assert.False(await access.IsRevokedAsync(anna.Id, default));
        Assert.True(Assert.Single(await access.RevokeAsync("anna", default)).Revoked);
        Assert.True(await access.IsRevokedAsync(anna.Id, default));
        await revocations.NoteAsync("somebody else", default);
        Assert.Equal(anna.Id, (await revocations.WatchAsync(Guid.Empty, 0, TimeSpan.Zero, default)).Ids[^2]);
    }

    private static async Task CallSessionsAsync(TwoSilos silos)
    {
        var sessions = silos.Grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key);
        await TwoSilos.OnAsync(silos.First, () => sessions.RoleOfAsync("nobody", default));
        var link = await sessions.IssueAsync("auditor", "operator", TimeSpan.FromMinutes(10), default);
        var session = await sessions.OpenAsync(link.Code, default);
        Assert.Equal("auditor", await sessions.RoleOfAsync(session.Secret, default));
        await RefusedAsync(() => sessions.OpenAsync(link.Code, default));
        await sessions.CloseAsync(session.Secret, default);
        Assert.Null(await sessions.RoleOfAsync(session.Secret, default));
    }

    private static async Task CallPrivacyAsync(INodeGrain node)
    {
        var run = new PrivacyRun { NoiseMultiplier = 1, SamplingRate = 0.1, Steps = 3 };
        await node.AskBudgetAsync(run, default);
        await node.AskPlanAsync(run, 2, default);
        var receipt = new LedgerReceipt
        {
            NoiseMultiplier = 1,
            SamplingRate = 0.1,
            Steps = 3,
            ClipNorm = 1,
            Delta = 1e-5,
            EpsilonSpent = 0.5,
            EpsilonLimit = 8,
            DataSet = "d",
            EntryHash = "e",
        };
        await node.RecordReceiptAsync(new() { Federation = "other", Round = 1, Receipt = receipt, At = DateTimeOffset.UnixEpoch }, default);
        var entry = Assert.Single(await node.LedgerAsync(default));
        Assert.Equal(receipt, entry.Receipt);
        Assert.Equal(entry, Assert.Single((await node.GetAsync(default)).Spent).Last);
    }

    /// <summary>Nodes work until so many rounds are done; what they meet while a silo dies they meet again and again, and go on.</summary>
    private static async Task<FederationView> FinishAsync(TwoSilos silos, int rounds)
    {
        using var limit = new CancellationTokenSource(Coordinator.Never);
        while (true)
        {
            limit.Token.ThrowIfCancellationRequested();
            try
            {
                foreach (var (name, seed) in Work)
                    await silos.WorkAsync(name, seed);
                if (await silos.Federation.GetAsync(limit.Token) is var view && view.RoundsDone >= rounds)
                    return view;
                await silos.Federation.WatchAsync(0, TimeSpan.FromMilliseconds(100), limit.Token);
            }
            catch (Exception error) when (error is OrleansException or InvalidOperationException or IOException)
            {
            }
        }
    }

    private static async Task<AdapterState> AdapterAsync(TwoSilos silos) =>
        await silos.Service<IBlobStore>().GetAdapterAsync((await silos.Federation.GetAsync(default)).Adapter.Sha256, default);

    private static string Expected(TwoSilos silos, AdapterState global, int round) =>
        Samples.Expected(global, round, [.. Work.Select(work => (silos.IdOf(work.Name), 10L, work.Seed))]);

    private static Task<RefusedException> RefusedAsync(Func<Task> call) => Assert.ThrowsAsync<RefusedException>(call);

    private static IEnumerable<string> Methods() =>
        from type in typeof(IFederationGrain).Assembly.GetTypes()
        where type.IsInterface && typeof(IGrainWithStringKey).IsAssignableFrom(type)
        from method in type.GetMethods()
        select $"{type.Name}.{method.Name}";
}
