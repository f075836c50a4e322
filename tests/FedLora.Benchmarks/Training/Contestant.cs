using System.Diagnostics;
using System.Text.Json;

namespace FedLora.Benchmarks.Training;

/// <summary>One pass over a case's sequences.</summary>
/// <param name="Seconds">Time taken.</param>
/// <param name="Loss">Mean loss of its steps.</param>
/// <param name="PeakMib">The process's peak resident memory so far.</param>
/// <param name="Tokens">What was generated; null where nothing is.</param>
/// <param name="Cpu">Processor time of all threads together; 0 where nobody looks at it.</param>
internal sealed record PassResult(double Seconds, double Loss, double PeakMib, int[]? Tokens = null, double Cpu = 0);

/// <summary>
/// A process that trains on command: ours or the peer. It idles between its passes, so several can take turns on one machine.
/// </summary>
internal sealed class Contestant : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly List<PassResult> _passes = [];

    private Contestant(string name, Process process) => (Name, _process, _errors) = (name, process, process.StandardError.ReadToEndAsync());

    public string Name { get; }

    /// <summary>The median of the passes, which a disturbance of one of them does not move.</summary>
    public double Seconds => Median(_passes.Select(pass => pass.Seconds));

    /// <summary>How much longer another takes: the median of the passes' ratios, since passes of one round meet the same load.</summary>
    public double RatioOf(Contestant other) => Median(_passes.Zip(other._passes, (mine, theirs) => theirs.Seconds / mine.Seconds));

    /// <summary>Processor time of a pass, the median.</summary>
    public double Cpu => Median(_passes.Select(pass => pass.Cpu));

    public double PeakMib => _passes.Max(pass => pass.PeakMib);

    public double LastLoss => _passes[^1].Loss;

    /// <summary>What was generated in the last pass.</summary>
    public int[] LastTokens => _passes[^1].Tokens ?? [];

    /// <summary>Starts one and waits until its model is loaded.</summary>
    public static async Task<Contestant> StartAsync(string name, ProcessStartInfo start, CancellationToken cancellationToken)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        var contestant = new Contestant(name,
            Process.Start(start)
                ?? throw new FedLoraException("bench-process", $"{start.FileName} did not start.", "Run it by hand to see why."));
        await contestant.ReadAsync(cancellationToken);
        return contestant;
    }

    /// <summary>Trains one pass; the first, which warms up, is not counted.</summary>
    public async Task RunAsync(int seed, bool counts, CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteLineAsync($"run {seed}".AsMemory(), cancellationToken);
        await _process.StandardInput.FlushAsync(cancellationToken);
        var answer = await ReadAsync(cancellationToken);
        if (counts)
            _passes.Add(JsonSerializer.Deserialize<PassResult>(answer, Json)!);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
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

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return await _process.StandardOutput.ReadLineAsync(limit.Token) ?? throw Failure(await _errors);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failure($"no answer for {Patience.TotalMinutes} minutes");
        }
    }

    private FedLoraException Failure(string why)
    {
        var last = why.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "it ended without a word";
        return new FedLoraException("bench-process", $"{Name} failed: {last}",
            "Start the same again; FEDLORA_TRACE=1 adds what there is to know.");
    }
}
