using FedLora.Client.State;
using FedLora.Protocol.V1;
using FedLora.Server.Backups;
using FedLora.Tests;

namespace FedLora.Server.Tests.Backups;

/// <summary>
/// A coordinator was restored from a backup, and its nodes have been told of rounds that it does not know: real daemons go on.
/// </summary>
public sealed class PutBackTests : IAsyncLifetime
{
    private readonly SemaphoreSlim _steps = new(0);
    private readonly CancellationTokenSource _end = new();
    private readonly FakeTrainer _trainer;
    private Bench _bench = null!;

    public PutBackTests() => _trainer = new FakeTrainer(1) { OnTrained = () => _steps.Wait(TestContext.Current.CancellationToken) };

    public async ValueTask InitializeAsync() => _bench = await Bench.StartAsync();

    [Fact]
    public async Task Rounds_since_the_backup_are_trained_again()
    {
        var node = await RunToRoundFourAsync(Bench.Define("fedit", rounds: 4, nodes: 1));
        _steps.Release(10);
        var end = await _bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal([1, 2, 3, 4, 2, 3, 4], _trainer.Trained);
        var (before, after) = (await _bench.AdapterAsync(0), await _bench.AdapterAsync(4));
        // Each round adds one to every entry.
        Assert.All(after, tensor => Assert.Equal(before[tensor.Name].Values[0] + 4, tensor.Values[0], 4));
        Assert.Equal(4, end.Rounds.Count);
        await EndAsync(node);
    }

    /// <summary>What was spent stays spent: the site's ledger knows all of it, and the coordinator says what it waits for.</summary>
    [Fact]
    public async Task Under_privacy_what_the_lost_rounds_have_spent_is_not_spent_twice()
    {
        var definition = Bench.Define("fedit", rounds: 4, nodes: 1);
        definition.Privacy = new PrivacyTerms { Epsilon = 2, SamplingRate = 0.1, Delta = 1e-5, ClipNorm = 1 };
        var node = await RunToRoundFourAsync(definition);
        _steps.Release(10);
        var waiting = await _bench.UntilAsync(view => view.Excluded.Count > 0 || view.State == FederationState.Finished);
        Assert.True(waiting.State == FederationState.Running && waiting.Reason.Contains("epsilon", StringComparison.Ordinal),
            waiting.Reason);
        Assert.Equal([1, 2, 3, 4], _trainer.Trained);
        await EndAsync(node);
    }

    [Fact]
    public async Task A_node_that_has_joined_since_then_joins_again()
    {
        await BackUpAsync();
        using var first = new CancellationTokenSource();
        var node = _bench.RunNodeAsync("a", await _bench.TokenAsync(), _trainer, first.Token);
        await _bench.UntilEnrolledAsync("a");
        await PutBackAsync();
        var refused = await Assert.ThrowsAsync<FedLoraException>(() => node);
        Assert.Equal("node-unknown", refused.Code);
        File.Delete(NodeFolder.CredentialFileOf(_bench.StateOf("a")));
        node = _bench.RunNodeAsync("a", await _bench.TokenAsync(), _trainer, _end.Token);
        await _bench.UntilEnrolledAsync("a");
        await EndAsync(node);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _steps.Release(10);
        await _bench.DisposeAsync();
        _end.Dispose();
    }

    /// <summary>A backup in round 2; then the node works to round 4, and the coordinator is put back.</summary>
    private async Task<Task> RunToRoundFourAsync(FederationDefinition definition)
    {
        var node = _bench.RunNodeAsync("a", await _bench.TokenAsync(), _trainer, _end.Token, data: _bench.Scratch("data.jsonl"));
        await _bench.UntilEnrolledAsync("a");
        await _bench.StartFederationAsync(definition);
        _steps.Release();
        await Until.SoAsync("the second round is trained", () => _trainer.Trained.Count == 2);
        await BackUpAsync();
        _steps.Release(2);
        await Until.SoAsync("the fourth round is trained", () => _trainer.Trained.Count == 4);
        await PutBackAsync();
        Assert.Equal(1u, (await _bench.UntilAsync(_ => true)).RoundsDone);
        return node;
    }

    private Task<BackupTaken> BackUpAsync() =>
        CoordinatorBackup.TakeAsync(_bench.Data, null, _bench.Scratch("backups"), null, reread: false, null,
        TimeProvider.System, TestContext.Current.CancellationToken);

    private Task PutBackAsync() => _bench.RestartAsync(async () =>
    {
        Directory.Move(_bench.Data, _bench.Scratch("lost"));
        await CoordinatorRestore.RestoreAsync(_bench.Scratch("backups"), null, _bench.Data, null, null, TimeProvider.System,
            TestContext.Current.CancellationToken);
    });

    private async Task EndAsync(Task node)
    {
        await _end.CancelAsync();
        await node;
    }
}
