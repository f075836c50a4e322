using System.Globalization;
using FedLora.Client.State;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;

namespace FedLora.Server.Tests;

/// <summary>Faults at a node that once cost work, budget, or the node itself; a real coordinator, all real but the model.</summary>
public sealed class NodeFaultTests
{
    private const string Privately = "private-federation";

    /// <summary>
    /// Cut off between training and sending, and then it is night: the update goes out all the same, without a task, and nothing is trained
    /// again.
    /// </summary>
    [Fact]
    public async Task An_update_that_is_trained_does_not_wait_for_the_hours_of_training()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync();
        using var cut = new CancellationTokenSource();
        var first = bench.RunNodeAsync("a", token, new FakeTrainer(1) { OnTrained = cut.Cancel }, cut.Token);
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await first;
        Assert.NotNull(PendingUpdate.Waiting(HomeOf(bench, "test")));
        using var end = new CancellationTokenSource();
        var later = TimeOnly.FromDateTime(DateTime.Now.AddHours(6));
        var asleep = new FakeTrainer(2);
        var second = bench.RunNodeAsync("a", token, asleep, end.Token,
            policy: new SitePolicy { Hours = string.Create(CultureInfo.InvariantCulture, $"{later:HH:mm}-{later.AddHours(1):HH:mm}") });
        await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Empty(asleep.Trained);
        await end.CancelAsync();
        await second;
        Assert.Null(PendingUpdate.Waiting(HomeOf(bench, "test")));
    }

    /// <summary>The node's disk flips a byte of the adapter that it has: it is fetched again, and the federation ends.</summary>
    [Fact]
    public async Task A_flipped_byte_in_a_nodes_cache_costs_one_fetch()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync();
        var cache = NodeFolder.CacheOf(bench.StateOf("a"));
        using var end = new CancellationTokenSource();
        var trainer = new FakeTrainer(1)
        {
            OnTrained = () =>
            {
                foreach (var file in Directory.EnumerateFiles(cache))
                    Flip(file);
            },
        };
        var node = bench.RunNodeAsync("a", token, trainer, end.Token);
        // FFA-LoRA's A is the same blob in every round.
        await bench.StartFederationAsync(Bench.Define("ffa-lora", rounds: 3, nodes: 1));
        await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal([1u, 2u, 3u], trainer.Trained);
        await end.CancelAsync();
        await node;
    }

    /// <summary>The coordinator's own copy is damaged: the node tries a few times and says so, instead of asking for ever.</summary>
    [Fact]
    public async Task An_adapter_that_is_damaged_at_the_coordinator_ends_the_task_and_is_named()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync();
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        var view = await bench.UntilAsync(_ => true);
        Flip(Directory.EnumerateFiles(Path.Combine(bench.Data, "blobs"), view.Adapter.Sha256, SearchOption.AllDirectories).Single());
        using var end = new CancellationTokenSource();
        var trainer = new FakeTrainer(1);
        var node = bench.RunNodeAsync("a", token, trainer, end.Token);
        await bench.UntilAsync(view => view.ToString().Contains("adapter-damaged", StringComparison.Ordinal));
        Assert.Empty(trainer.Trained);
        Assert.False(node.IsCompleted);
        await end.CancelAsync();
        await node;
    }

    /// <summary>
    /// What fails after it was paid for is paid for again with every start: three times, and then the round is left alone, whoever restarts
    /// the node.
    /// </summary>
    [Fact]
    public async Task A_private_round_that_fails_after_its_charge_is_not_charged_without_end()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync();
        var definition = Bench.Define("fedit", rounds: 1, nodes: 1);
        (definition.Name, definition.Privacy) = (Privately,
            new PrivacyTerms { NoiseMultiplier = 2, SamplingRate = 0.1, Delta = 1e-5, ClipNorm = 1, Accountant = "pld" });
        await bench.StartFederationAsync(definition);
        await FailAsync(new FakeTrainer(1) { Fault = new InvalidOperationException("out of memory") });
        var home = HomeOf(bench, Privately);
        Assert.Equal(1, RoundCharges.Of(home, 1));
        while (RoundCharges.Of(home, 1) < RoundCharges.Most)
            RoundCharges.Add(home, 1);
        // The operator forgives; the ledger does not.
        var name = new FederationName { Name = Privately };
        await bench.Operator.Admin.PauseFederationAsync(name, bench.Operator.Options(default));
        await bench.Operator.Admin.StartFederationAsync(name, bench.Operator.Options(default));
        await bench.UntilAsync(view => view.Rounds.LastOrDefault()?.State == RoundState.Open, Privately);
        var whole = new FakeTrainer(1);
        await FailAsync(whole);
        Assert.Empty(whole.Trained);
        Assert.Equal(RoundCharges.Most, RoundCharges.Of(home, 1));

        async Task FailAsync(FakeTrainer trainer)
        {
            using var end = new CancellationTokenSource();
            var node = bench.RunNodeAsync("a", token, trainer, end.Token, data: bench.Scratch("data.jsonl"));
            await bench.UntilAsync(view => view.Reason.Contains("failed in this round", StringComparison.Ordinal), Privately);
            await end.CancelAsync();
            await node;
        }
    }

    private static string HomeOf(Bench bench, string federation) => NodeFolder.FederationFolderOf(bench.StateOf("a"), federation);

    private static void Flip(string file)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
    }
}
