using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Simulations.Report;
using FedLora.Simulations.Results;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;
using Spectre.Console;

namespace FedLora.Cli.Commands.Simulate;

/// <summary>The runs of a scenario: one in this process, several in processes of their own.</summary>
/// <param name="file">The scenario.</param>
/// <param name="folder">Takes everything.</param>
/// <param name="isWhole">These are all runs, and so make a comparison.</param>
internal sealed class SimulationRuns(string file, string folder, bool isWhole, CommandOutput output)
{
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenRounds = TimeSpan.FromSeconds(15);
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly Lock _relaying = new();
    private long? _relayed;

    /// <summary>Runs what is not finished yet, and shows how all compare.</summary>
    public async Task RunAsync(IReadOnlyList<PlannedRun> runs, int parallel, CancellationToken cancellationToken)
    {
        var summaries = runs.Count == 1 ? [Run(runs[0], cancellationToken)]
            : await RunAllAsync(runs, parallel > 0 ? parallel : Environment.ProcessorCount, cancellationToken);
        if (isWhole)
        {
            RunsFile.Write(folder, summaries);
            ReportPage.Write(folder, [.. summaries.Zip(runs, (summary, run) => (summary, FolderOf(run)))],
                await File.ReadAllTextAsync(file, cancellationToken));
        }

        output.Result(new SimulationReport(Path.GetFullPath(folder), summaries, ComparisonRow.Of(summaries)), console =>
        {
            console.Write(SimulationTables.Comparison(ComparisonRow.Of(summaries)));
            foreach (var stopped in summaries.Where(summary => summary.State != "finished").Take(4))
                console.WriteLine($"{stopped.Name}: {stopped.State}: {stopped.Reason}");
            console.WriteLine($"The report: {Path.GetFullPath(Path.Combine(folder, "report.html"))}");
        });
    }

    // Of what the runs say of their rounds the first line, and then one from time to time: that it goes on, and how.
    private void Relay(string name, string line)
    {
        lock (_relaying)
        {
            if (!line.StartsWith("round ", StringComparison.Ordinal)
                || (_relayed is { } last && _time.GetElapsedTime(last) < BetweenRounds))
                return;
            _relayed = _time.GetTimestamp();
        }

        output.Remark($"{name}: {line}");
    }

    private string FolderOf(PlannedRun run) => Path.Combine(folder, "runs", run.Name);

    private RunSummary Run(PlannedRun run, CancellationToken cancellationToken)
    {
        // What a killed sweep has started ends a moment after it.
        using var held = Hold(FolderOf(run), folder, Ending, cancellationToken);
        return SimulationRun.Run(run.Scenario, FolderOf(run), run.Values, new RunProgress(output, _time), cancellationToken);
    }

    /// <summary>Claims a folder, so that two processes never write the same run.</summary>
    /// <param name="claimed">The folder; made if it is not there.</param>
    /// <param name="named">How the user named the whole.</param>
    /// <param name="patience">How long another holder is waited for.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="FedLoraException"><c>folder-held</c>, <c>out-unwritable</c>.</exception>
    internal static FileStream Hold(string claimed, string named, TimeSpan patience, CancellationToken cancellationToken)
    {
        const int Looks = 50;
        OutFolder.Create(claimed);
        for (var look = 0; ; look++)
        {
            if (OutFolder.TryHold(claimed) is { } held)
                return held;
            if (look == Looks || patience == TimeSpan.Zero)
                break;
            cancellationToken.WaitHandle.WaitOne(patience / Looks);
            cancellationToken.ThrowIfCancellationRequested();
        }
        throw new FedLoraException("folder-held", $"another simulation is running in {named}",
            "Wait for it or stop it, or choose another folder with --out.");
    }

    private async Task<IReadOnlyList<RunSummary>> RunAllAsync(IReadOnlyList<PlannedRun> runs, int parallel,
        CancellationToken cancellationToken)
    {
        var waiting = runs.Where(run => SimulationRun.Finished(run.Scenario, FolderOf(run)) is null).ToList();
        output.Remark(
            $"{runs.Count} runs, {runs.Count - waiting.Count} of them finished before; {Math.Min(parallel, waiting.Count)} at a time ...");
        var (started, done) = (_time.GetTimestamp(), 0);
        await System.Threading.Tasks.Parallel.ForEachAsync(waiting,
            new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (run, token) =>
            {
                var log = Path.Combine(folder, "logs", $"{run.Name}.log");
                Directory.CreateDirectory(Path.GetDirectoryName(log)!);
                await using (var child = ChildProcess.Start(run.Name, log, run.Scenario.Definition.Threads,
                    line => Relay(run.Name, line), ["simulate", file, "--only", run.Name, "--out", folder, "--with-parent"]))
                    await child.WaitAsync(token);
                var summary = RunFolder.Read(FolderOf(run))
                    ?? throw new FedLoraException("run-missing", $"{run.Name} ended without a result", $"its log is {log}");
                var (count, took) = (Interlocked.Increment(ref done), _time.GetElapsedTime(started));
                output.Remark(
                    $"{count} of {waiting.Count}: {run.Name}: {RunProgress.Show(summary.Last)}; about "
                        + $"{RunProgress.Show(took / count * (waiting.Count - count))} to go");
            });
        return [.. runs.Select(run => RunFolder.Read(FolderOf(run))!)];
    }
}

/// <summary>What <c>--json</c> writes.</summary>
internal sealed record SimulationReport(string Folder, IReadOnlyList<RunSummary> Runs, IReadOnlyList<ComparisonRow> Comparison);
