using FedLora.Protocol.V1;

namespace FedLora.EndToEnd.Tests;

/// <summary>A federation whose nodes work all the time, whatever becomes of its coordinator.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly TestNode[] _nodes;
    private readonly WorkingNode[] _working;
    private readonly Task[] _running;

    private Load(TestFederation federation, TestNode[] nodes, Func<uint, Task>? gate)
    {
        (Federation, _nodes) = (federation, nodes);
        _working = [.. nodes.Select(node => new WorkingNode(node, gate))];
        _running = [.. _working.Select(node => Task.Run(() => node.RunAsync(_end.Token)))];
    }

    public TestFederation Federation { get; }

    /// <summary>Updates, or bytes of them, that were acknowledged and then not known.</summary>
    public IEnumerable<string> Lost => _working.SelectMany(node => node.Lost);

    /// <summary>How many updates were acknowledged.</summary>
    public int Delivered => _working.Sum(node => node.Delivered);

    /// <param name="addresses">Of a cluster; the coordinator's own if not given.</param>
    /// <param name="gate">Waited for before a node trains for a round.</param>
    public static async Task<Load> StartAsync(CoordinatorProcess coordinator, uint rounds, int modules, CohortRules cohort,
        string? addresses = null, Func<uint, Task>? gate = null)
    {
        var federation = await TestFederation.CreateAsync(coordinator, rounds, modules, cohort, addresses);
        var nodes = await federation.EnrolAsync((int)cohort.Size);
        await federation.StartAsync();
        return new Load(federation, nodes, gate);
    }

    /// <summary>What is acknowledged so far, by node.</summary>
    public IReadOnlyList<IReadOnlyList<uint>> Acknowledged() => [.. _working.Select(node => node.Rounds())];

    /// <summary>The coordinator is put back to when this was acknowledged.</summary>
    public void PutBack(IReadOnlyList<IReadOnlyList<uint>> acknowledged)
    {
        for (var i = 0; i < _working.Length; i++) _working[i].PutBack(acknowledged[i]);
    }

    public Task<FederationView> UntilRoundAsync(uint round) => AliveAsync(Federation.UntilAsync(view => view.RoundsDone >= round));

    /// <summary>
    /// Lets it end; checks that nothing was lost and that the last rounds can be replayed; returns the final adapter's hash.
    /// </summary>
    /// <param name="coordinator">Where it ends.</param>
    public async Task<string> FinishAsync(CoordinatorProcess coordinator)
    {
        using var operators = TestFederation.Of(coordinator, Federation.Name);
        var end = await AliveAsync(operators.UntilAsync(view => view.State == FederationState.Finished));
        Assert.Empty(Lost);
        foreach (var round in new[] { end.RoundsDone - 1, end.RoundsDone })
        {
            var (stored, replayed) = await operators.ReplayAsync(round);
            Assert.Equal(stored, replayed);
        }

        return end.Adapter.Sha256;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        foreach (var node in _nodes) node.Dispose();
        Federation.Dispose();
        _end.Dispose();
    }

    // A node that fails says so at once, instead of letting everybody wait for its update.
    private async Task<T> AliveAsync<T>(Task<T> awaited)
    {
        var first = await Task.WhenAny([awaited, .. _running]);
        if (first != awaited) await first;
        return await awaited;
    }
}
