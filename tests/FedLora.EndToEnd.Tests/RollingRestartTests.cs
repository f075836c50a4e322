using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// Coordinators of a cluster are stopped in order (TERM) and started again one after another, as for an upgrade, while nodes upload: no
/// update is lost, no round is repeated, and the final adapter has the bytes of a run in which nothing was stopped.
/// </summary>
public sealed class RollingRestartTests : IDisposable
{
    private const uint Rounds = 9;
    private const int Modules = 4;
    private static readonly CohortRules BothNodes = new() { Size = 2, Quorum = 2, MinNodes = 2, DeadlineSeconds = 600 };
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-rolling-");
    private readonly SemaphoreSlim _more = new(0);
    private volatile uint _open = 3;

    [Fact]
    public async Task A_rolling_restart_loses_no_update_and_repeats_no_round()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        var (coordinators, _) = await Cluster.StartAsync(_folder, 2);
        try
        {
            var addresses = string.Join(',', coordinators.Select(coordinator => coordinator.Url));
            await using var load = await Load.StartAsync(coordinators[0], Rounds, Modules, BothNodes, addresses, GateAsync);
            foreach (var coordinator in coordinators)
            {
                await load.UntilRoundAsync(_open - 2);
                Assert.Equal(0, await coordinator.EndAsync("TERM"));
                // What the other one goes on with alone.
                Open(2);
                await load.UntilRoundAsync(_open - 2);
                await coordinator.StartAgainAsync();
            }

            Open(Rounds);
            var adapter = await load.FinishAsync(coordinators[0]);
            using var operators = TestFederation.Of(coordinators[0], load.Federation.Name);
            var end = await operators.UntilAsync(view => view.State == FederationState.Finished);
            Assert.Equal(Rounds, (uint)end.Rounds.Count);
            Assert.All(end.Rounds, round => Assert.Equal(1u, round.Attempt));
            Assert.Equal(await UndisturbedAsync(), adapter);
        }
        finally
        {
            foreach (var coordinator in coordinators) await coordinator.DisposeAsync();
        }
    }

    public void Dispose()
    {
        _more.Dispose();
        _folder.Delete(recursive: true);
    }

    private static async Task<string> UndisturbedAsync()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        await using var load = await Load.StartAsync(coordinator, Rounds, Modules, BothNodes);
        return await load.FinishAsync(coordinator);
    }

    private void Open(uint rounds)
    {
        _open += rounds;
        _more.Release(2 * (int)rounds);
    }

    // The federation must not be over before the last restart.
    private async Task GateAsync(uint round)
    {
        while (round > _open) await _more.WaitAsync(TestContext.Current.CancellationToken);
    }
}
