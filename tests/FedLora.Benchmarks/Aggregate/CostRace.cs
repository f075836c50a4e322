using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>A case on this build and, where there is one, another's: a process each, in turns.</summary>
internal sealed class CostRace : IAsyncDisposable
{
    private const double Enough = 3;
    private const int Most = 7;

    // What the heaviest case of a slow build takes on a busy machine, several times over.
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    private readonly string _side;
    private readonly Process _process;
    private readonly List<CostRun> _runs = [];
    private string? _failed;

    private CostRace(string side, Process process)
    {
        (_side, _process) = (side, process);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
    }

    /// <summary>The rows of a case: processor time, time by the clock, memory.</summary>
    /// <param name="name">One of <see cref="CostCases.Names"/>.</param>
    /// <param name="beside">The folder with another build's libraries; null for this build alone.</param>
    /// <param name="remark">Hears of every run.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<IReadOnlyList<BenchRow>> RunAsync(string name, string? beside, Action<string> remark,
        CancellationToken cancellationToken)
    {
        await using var ours = await StartAsync("this build", name, null, cancellationToken);
        await using var theirs = beside is null ? null : await StartAsync("the other build", name, beside, cancellationToken);
        CostRace[] sides = theirs is null ? [ours] : [ours, theirs];
        for (var turn = 0; turn <= Most && sides.Any(side => side.WantsMore); turn++)
        {
            foreach (var side in sides.Where(side => side.WantsMore))
                await side.RunOnceAsync(cancellationToken);
        }
        remark($"{name}: " + string.Join("; ", sides.Select(side => side.Told)));
        if (ours._failed is { } why)
            throw new FedLoraException("bench-process", $"{name} failed: {why}", "Run it alone with --case to see more.");
        return [.. Rows(name, ours, theirs)];
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }

    private string Told => _failed is { } why ? $"{_side}: {why}"
        : $"{_side} {Cpu:0.###} s of processor time, {Clock:0.###} s by the clock ({_runs.Count} runs)";

    // The first warms up, and counts only where the case is so long that this does not matter.
    private bool WantsMore => _failed is null && (_runs.Count < 2 ? _runs.Sum(run => run.Cpu) < 2 * Enough
        : _runs.Count <= Most && _runs.Sum(run => run.Cpu) < Enough);

    private IEnumerable<CostRun> Counted => _runs.Count > 1 ? _runs.Skip(1) : _runs;

    private double Cpu => Median(run => run.Cpu);

    private double Clock => Median(run => run.Seconds);

    private static IEnumerable<BenchRow> Rows(string name, CostRace ours, CostRace? theirs)
    {
        var memory = name.EndsWith("-memory", StringComparison.Ordinal);
        var folds = name.StartsWith("folds-round-", StringComparison.Ordinal);
        if (memory)
            yield return Row(name, "MiB", run => run.Mib);
        else
        {
            yield return Row(name, "s", run => run.Cpu);
            yield return Row($"{name}-clock", "s", run => run.Seconds);
        }
        if (!folds)
            yield break;
        yield return Row($"{name}-bytes", "MiB", run => run.Mib);
        yield return Row($"{name}-memory", "MiB", run => run.PeakMib);

        BenchRow Row(string row, string unit, Func<CostRun, double> figure)
        {
            var value = ours.Median(figure);
            return theirs is null ? new(row, value, unit)
                : theirs._failed is not null ? new(row, value, unit, "the other build has no such thing")
                : new(row, value, unit, $"the other build, {theirs.Median(figure):0.###} {unit}",
                    value > 0 ? theirs.Median(figure) / value : null);
        }
    }

    private static async Task<CostRace> StartAsync(string side, string name, string? library, CancellationToken cancellationToken)
    {
        IEnumerable<string> program = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [Assembly.GetEntryAssembly()!.Location] : [];
        var start = new ProcessStartInfo(Environment.ProcessPath!,
            [.. program, "bench", "aggregate", "--worker", name, .. library is null ? [] : (string[])["--beside", library]])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var race = new CostRace(side, Process.Start(start)!);
        race._failed = (await race.ReadAsync(cancellationToken)).Failed;
        return race;
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteLineAsync("run".AsMemory(), cancellationToken);
        await _process.StandardInput.FlushAsync(cancellationToken);
        var run = await ReadAsync(cancellationToken);
        _runs.Add(run);
        _failed = run.Failed;
    }

    private async Task<CostRun> ReadAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return await _process.StandardOutput.ReadLineAsync(limit.Token) is { } line ? JsonSerializer.Deserialize<CostRun>(line)!
                : new(0, 0, 0, 0, "it ended without a word");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(0, 0, 0, 0, $"no answer for {Patience.TotalMinutes:0} minutes");
        }
    }

    private double Median(Func<CostRun, double> figure)
    {
        var sorted = Counted.Select(figure).Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
