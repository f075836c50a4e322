using System.Diagnostics;
using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// Coordinators are killed with -9 at random moments while nodes upload, and started again as a supervisor does: every update that was
/// acknowledged is known again, and the final adapter has the bytes of a run without kills. The suite kills once; FEDLORA_KILLS=100
/// kills that many times, and FEDLORA_LOG=FILE writes a line for each: seconds until a call was answered again.
/// </summary>
public sealed class ManyKillsTests(ITestOutputHelper output) : IDisposable
{
    private const string Variable = "FEDLORA_KILLS";
    private const int RoundsPerKill = 3;
    private const int Modules = 16;
    private const int Starts = 5;
    private static readonly TimeSpan Takeover = TimeSpan.FromSeconds(10);
    private static readonly CohortRules BothNodes = new() { Size = 2, Quorum = 2, MinNodes = 2, DeadlineSeconds = 600 };
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable(Variable) ?? "1");
    private static readonly uint Rounds = (uint)((Kills + 1) * RoundsPerKill);
    private static readonly Lazy<Task<string>> Undisturbed = new(RunUndisturbedAsync);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-kills-");
    private readonly SemaphoreSlim _more = new(0);
    private volatile int _killed;
    private int _fallen;

    // The suite kills one of three and one of two behind a frontend, which are the harder, where there is a PostgreSQL; who asks for kills
    // gets all.
    public static TheoryData<int, bool> Coordinators
    {
        get
        {
            var forms = new TheoryData<int, bool>();
            if (PostgresServer.Missing is not null || Environment.GetEnvironmentVariable(Variable) is not null)
                forms.Add(1, false);
            if (PostgresServer.Missing is null)
            {
                forms.Add(3, false);
                forms.Add(2, true);
            }

            return forms;
        }
    }

    [Theory]
    [MemberData(nameof(Coordinators))]
    public async Task A_coordinator_is_killed_and_nothing_acknowledged_is_lost(int count, bool behindFrontend)
    {
        var (coordinators, frontend) = await StartAsync(count, behindFrontend);
        try
        {
            var called = frontend ?? coordinators[0];
            var addresses = frontend?.Url ?? string.Join(',', coordinators.Select(coordinator => coordinator.Url));
            await using var load = await Load.StartAsync(called, Rounds, Modules, BothNodes, addresses, GateAsync);
            await using var prober = new Prober(called.Connect(addresses), load.Federation.Name);
            var kills = await KillAsync(coordinators, load, prober, new Random(1));
            Assert.Equal(await Undisturbed.Value, await load.FinishAsync(called));
            Report(count, behindFrontend, kills, prober, load.Delivered);
        }
        finally
        {
            foreach (var coordinator in coordinators) await coordinator.DisposeAsync();
            if (frontend is not null) await frontend.DisposeAsync();
        }
    }

    public void Dispose()
    {
        _more.Dispose();
        _folder.Delete(recursive: true);
    }

    private static async Task<string> RunUndisturbedAsync()
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        await using var load = await Load.StartAsync(coordinator, Rounds, Modules, BothNodes);
        return await load.FinishAsync(coordinator);
    }

    private async Task<(IReadOnlyList<CoordinatorProcess> Coordinators, CoordinatorProcess? Frontend)> StartAsync(int count,
        bool behindFrontend) => count == 1 ? ([await CoordinatorProcess.StartAsync(Path.Combine(_folder.FullName, "0"))], null)
            : await Cluster.StartAsync(_folder, count, behindFrontend);

    private async Task<List<(long Moment, TimeSpan Back)>> KillAsync(IReadOnlyList<CoordinatorProcess> coordinators, Load load,
        Prober prober, Random random)
    {
        var kills = new List<(long Moment, TimeSpan Back)>();
        for (var i = 0; i < Kills; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var view = await load.UntilRoundAsync((uint)((i * RoundsPerKill) + 1));
            // Anywhere in the next rounds, of which the nodes have two before they wait for the kill.
            var round = Math.Min(1, Stopwatch.GetElapsedTime(began).TotalSeconds);
            await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * round), TimeProvider.System, TestContext.Current.CancellationToken);
            var victim = coordinators[random.Next(coordinators.Count)];
            await victim.KillAsync();
            var moment = Stopwatch.GetTimestamp();
            await SuperviseAsync(victim);
            foreach (var other in coordinators.Where(other => other.HasEnded))
            {
                Fell(i + 1);
                await SuperviseAsync(other);
            }

            var started = Stopwatch.GetElapsedTime(moment);
            TimeSpan? back = null;
            await Until.SoAsync("a call is answered again", () => (back = prober.AnsweredAfter(moment)) is not null);
            kills.Add((moment, back!.Value));
            _killed = i + 1;
            _more.Release(2);
            Say($"kill {i + 1} of 1 of {coordinators.Count}, from round {view.RoundsDone + 1}: answered after "
                + $"{back.Value.TotalSeconds:0.000} s, started after {started.TotalSeconds:0.000} s, {load.Lost.Count()} lost");
        }

        return kills;
    }

    // On a machine that is so busy that a coordinator does not answer the others for seconds, those declare it dead, and it ends.
    private async Task SuperviseAsync(CoordinatorProcess coordinator)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await coordinator.StartAgainAsync();
                return;
            }
            catch (InvalidOperationException error) when (attempt < Starts
                && error.Message.Contains("declared this one dead", StringComparison.Ordinal))
            {
                Fell(_killed + 1);
            }
        }
    }

    private void Fell(int kill)
    {
        _fallen++;
        Say($"kill {kill}: a coordinator was taken for dead by the others, ended, and was started again");
    }

    // The federation must not be over before the last kill.
    private async Task GateAsync(uint round)
    {
        while (round > (_killed + 1) * RoundsPerKill) await _more.WaitAsync(TestContext.Current.CancellationToken);
    }

    private void Report(int count, bool behindFrontend, List<(long Moment, TimeSpan Back)> kills, Prober prober, int delivered)
    {
        var back = kills.Select(kill => kill.Back.TotalSeconds).Order().ToArray();
        var calls = prober.Seconds([.. kills.Select(kill => kill.Moment)], Takeover);
        var text = $"{kills.Count} kills of 1 of {count}{(behindFrontend ? " behind a frontend" : "")}: {delivered} updates acknowledged, "
            + $"0 lost; answered again after {At(back, 0.5):0.00} s (median), {At(back, 0.9):0.00} s (p90), {back[^1]:0.00} s (longest); "
            + $"{calls.Length} calls within {Takeover.TotalSeconds:0} s of a kill: {At(calls, 0.5) * 1000:0} ms (p50), "
            + $"{At(calls, 0.99):0.00} s (p99), {calls[^1]:0.00} s (longest); "
            + $"{_fallen} times a coordinator was taken for dead by the others";
        output.WriteLine(text);
        Say(text);
    }

    private static void Say(string line)
    {
        if (Environment.GetEnvironmentVariable("FEDLORA_LOG") is { } path) File.AppendAllLines(path, [line]);
    }

    private static double At(double[] sorted, double part) => sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * part)];
}
