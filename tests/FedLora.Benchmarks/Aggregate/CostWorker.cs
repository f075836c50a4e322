using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>One run of a case.</summary>
/// <param name="Cpu">Seconds of processor time, all threads together: other programs on the machine do not move it much.</param>
/// <param name="Seconds">Seconds by the clock.</param>
/// <param name="Mib">What the case itself measures; 0 where time alone counts.</param>
/// <param name="PeakMib">Most resident memory of the process during the run, beyond what it had before.</param>
/// <param name="Failed">Why there is none; null otherwise.</param>
internal sealed record CostRun(double Cpu, double Seconds, double Mib, double PeakMib, string? Failed = null);

/// <summary>One side of a case, in a process of its own: answers each line with one JSON line about one run.</summary>
internal static class CostWorker
{
    public static async Task RunAsync(string name, string? library, TextReader commands, TextWriter answers,
        CancellationToken cancellationToken)
    {
        Func<double>? run = null;
        await AnswerAsync(Try(() =>
        {
            run = library is null ? CostCases.Prepare(name) : BuildLibrary.Prepare(library, name);
            return new CostRun(0, 0, 0, 0);
        }));
        while (run is not null && await commands.ReadLineAsync(cancellationToken) is not null)
            await AnswerAsync(Try(() => Measure(run)));

        async Task AnswerAsync(CostRun answer)
        {
            await answers.WriteLineAsync(JsonSerializer.Serialize(answer));
            await answers.FlushAsync(cancellationToken);
        }
    }

    // Whatever another build's library throws is an answer: it has no such thing.
    private static CostRun Try(Func<CostRun> run)
    {
        try
        {
            return run();
        }
        catch (Exception error)
        {
            return new CostRun(0, 0, 0, 0, error.GetBaseException().Message);
        }
    }

    private static CostRun Measure(Func<double> run)
    {
        using var process = Process.GetCurrentProcess();
        // From here on the most that is resident is counted anew.
        File.WriteAllText("/proc/self/clear_refs", "5");
        var (resident, cpu, start) = (Status("VmRSS"), process.TotalProcessorTime, Stopwatch.GetTimestamp());
        var mib = run();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        process.Refresh();
        return new((process.TotalProcessorTime - cpu).TotalSeconds, seconds, mib, Math.Max(0, Status("VmHWM") - resident));
    }

    private static double Status(string name)
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(name, StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
