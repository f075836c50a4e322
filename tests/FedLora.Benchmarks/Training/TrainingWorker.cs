using System.Globalization;
using System.Text.Json;
using FedLora.Training.Models;

namespace FedLora.Benchmarks.Training;

/// <summary>
/// Our side of the comparison, in a process of its own as the peer is: answers each "run SEED" line with one JSON line about one shuffled
/// pass over the case's sequences.
/// </summary>
internal static class TrainingWorker
{
    public static async Task RunAsync(string folder, ComputeType compute, bool isPrivate, TextReader commands, TextWriter answers,
        CancellationToken cancellationToken)
    {
        using var subject = new TrainingSubject(folder, compute);
        await Answer(answers, new { ready = true });
        while (await commands.ReadLineAsync(cancellationToken) is { } line)
        {
            var done = subject.Train(subject.StepsOfAPass, ulong.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture), isPrivate,
                cancellationToken);
            await Answer(answers, new { seconds = done.Elapsed.TotalSeconds, loss = done.MeanLoss, peak_mib = PeakMebibytes() });
        }
    }

    internal static async Task Answer(TextWriter answers, object answer)
    {
        await answers.WriteLineAsync(JsonSerializer.Serialize(answer));
        await answers.FlushAsync();
    }

    internal static double PeakMebibytes()
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
