using FedLora.Client.Hosting;
using FedLora.Core.Audit;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Preparation;

namespace FedLora.Server.Tests;

/// <summary>What a task takes, as the node estimates it, is held against the site's policy before anything is loaded or charged.</summary>
public sealed class MemoryPolicyTests(TinySites sites) : IClassFixture<TinySites>
{
    [Fact]
    public async Task A_task_that_takes_more_than_the_site_allows_is_refused_in_the_same_words_on_both_sides()
    {
        await using var bench = await Bench.StartAsync();
        using var end = new CancellationTokenSource();
        // The program alone takes more than the one allows, and less than the other.
        var small = Bench.RunNodeAsync(await OptionsAsync(bench, "small", site: 0, "200 MiB"), end.Token);
        await bench.UntilEnrolledAsync("small");
        var definition = TinySites.Define("fedit");
        definition.Rounds = 1;
        definition.Cohort = new CohortRules { Size = 1, MinNodes = 1, DeadlineSeconds = 300 };
        var prepared = FederationPreparation.Prepare(definition.ToModel(), sites.Model, null, TestContext.Current.CancellationToken);
        await bench.StartFederationAsync(prepared.Definition.ToWire(layout: true), prepared.InitialAdapter);
        var told = Assert.Single((await bench.UntilAsync(view => view.Excluded.Count > 0)).Excluded).Reason;
        Assert.Matches(@"the site's policy allows tasks of 200 MiB of memory, and this one takes about \d\.\d GiB \(base model 0\.1, ",
            told);
        var logged = AuditFiles.Read(AuditLog.FolderIn(bench.StateOf("small"))).First(entry => entry.Event == "Refused");
        Assert.Contains(logged.Fields["reason"], told, StringComparison.Ordinal);

        var large = Bench.RunNodeAsync(await OptionsAsync(bench, "large", site: 1, "8 GiB"), end.Token);
        var done = await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(1u, done.RoundsDone);
        await end.CancelAsync();
        await Task.WhenAll(small, large);
    }

    private async Task<ClientOptions> OptionsAsync(Bench bench, string name, int site, string memory) => new()
    {
        Coordinator = bench.Operator.Url,
        Data = sites.DataOf(site),
        Model = sites.Model,
        State = bench.StateOf(name),
        Token = await bench.TokenAsync(),
        Name = name,
        Threads = 1,
        Policy = SitePolicy.Parse($"memory: {memory}\n", "policy.yaml"),
    };
}
