using System.Diagnostics;
using System.Text.Json;
using FedLora.Client.Rounds;

namespace FedLora.Client.Trainers;

/// <summary>
/// One run of a site's own trainer: <c>COMMAND FOLDER</c>. On standard output it may say how far it is, a JSON object a line,
/// <c>{"step":3,"steps":20,"loss":0.71}</c>; all
/// other lines, and standard error, go into its log. It ends when its time is over or nobody wants its result any more, with every process
/// that it started.
/// </summary>
internal sealed class TrainerProcess(IReadOnlyList<string> command, string folder, string log, TimeProvider time)
{
    private const int LongestLine = 4096;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly string _mark = Guid.NewGuid().ToString("N");
    private double _meanLoss;
    private long _losses;

    /// <summary>Runs it to its end.</summary>
    /// <param name="limit">How long it may take.</param>
    /// <returns>The mean of the losses that it told of; null if it told none.</returns>
    /// <exception cref="FedLoraException"><c>trainer-missing</c>, <c>trainer-late</c>, <c>trainer-failed</c>.</exception>
    public double? Run(TimeSpan limit, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(limit, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        using var words = new TrainerLog(log);
        using var process = Start();
        var output = FollowAsync(process.StandardOutput, line => Said(line, words, progress));
        var errors = FollowAsync(process.StandardError, words.Write);
        try
        {
            process.WaitForExitAsync(ending.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit(Grace);
            cancellationToken.ThrowIfCancellationRequested();
            throw new FedLoraException("trainer-late",
                $"the trainer {command[0]} was not done after {limit.TotalSeconds:F0} seconds, when the round's time was over, and was "
                    + $"ended",
                "see its log in the node's state folder; the federation's deadline or steps may not suit this site");
        }
        finally
        {
            // A child of its own may hold the pipes open, or write on: the trainer's end is what counts.
            TrainerChildren.End(_mark);
            _ = Task.WaitAll([output, errors], Grace);
        }
        if (process.ExitCode != 0)
            throw new FedLoraException("trainer-failed",
                $"the trainer {command[0]} ended with exit code {process.ExitCode}"
                    + $"{(words.LastWords is { Length: > 0 } last ? $": {last}" : "")}", $"see {log}");
        lock (_gate)
            return _losses > 0 ? _meanLoss : null;
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(command[0])
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        start.Environment[TrainerChildren.Variable] = _mark;
        foreach (var argument in command.Skip(1).Append(folder))
            start.ArgumentList.Add(argument);
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.Close();
            return process;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new FedLoraException("trainer-missing", $"the trainer {command[0]} cannot be started: {error.Message}",
                "give a program that is on the PATH, or its whole path, with --trainer", error);
        }
    }

    // Lines of bounded length: a program that writes no line end must not fill the memory.
    private static async Task FollowAsync(StreamReader reader, Action<string> take)
    {
        var (buffer, line) = (new char[LongestLine], new System.Text.StringBuilder());
        for (int count; (count = await reader.ReadAsync(buffer)) > 0;)
        {
            foreach (var c in buffer.AsMemory(0, count).ToArray())
            {
                if (c == '\n')
                {
                    take(line.ToString().TrimEnd('\r'));
                    line.Clear();
                }
                else if (line.Length < LongestLine)
                    line.Append(c);
            }
        }
        if (line.Length > 0)
            take(line.ToString());
    }

    private void Said(string line, TrainerLog words, IProgress<TrainingProgress> progress)
    {
        if (!line.StartsWith('{'))
        {
            words.Write(line);
            return;
        }
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            var loss = root.TryGetProperty("loss", out var value) && value.ValueKind == JsonValueKind.Number
                && double.IsFinite(value.GetDouble()) ? value.GetDouble() : (double?)null;
            if (Number(root, "step") is not { } step)
                return;
            if (loss is { } told)
            {
                lock (_gate)
                    _meanLoss += (told - _meanLoss) / ++_losses;
            }
            progress.Report(new TrainingProgress(step, Number(root, "steps") ?? step, loss));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // No JSON, or half a surrogate pair in a name: the trainer's words end nothing.
            words.Write(line);
        }
    }

    private static int? Number(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            && number >= 0 ? number : null;
}
