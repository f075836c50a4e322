using System.Collections.Concurrent;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;

namespace FedLora.Dashboard.Privacy;

/// <summary>
/// Asks the accountant, one question at a time and each once: what many look at is worked out once, and a page never waits longer than it
/// says. A question that nobody waits for any more is answered all
/// the same, for the next who asks.
/// </summary>
internal sealed class Accounting : IDisposable
{
    private const int MostKnown = 5_000;
    private readonly ConcurrentDictionary<string, Task<object?>> _known = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>
    /// The epsilon of runs at a delta, as an interval that holds it; null where it is not known within <paramref name="patience"/>: ask
    /// again.
    /// </summary>
    internal async Task<PrivacyBound?> EpsilonAsync(IReadOnlyList<SampledGaussian> runs, double delta, TimeSpan patience,
        CancellationToken cancellationToken) =>
        (PrivacyBound?)await AskAsync($"epsilon {delta:r} {Name(runs)}", () =>
            Accountants.Default.Epsilon(runs, delta, CancellationToken.None), patience, cancellationToken);

    /// <summary>What further rounds would spend; null as in <see cref="EpsilonAsync"/>.</summary>
    internal async Task<WhatIf?> WhatIfAsync(IReadOnlyList<SampledGaussian> past, SampledGaussian round, int rounds, PrivacyLimit limit,
        TimeSpan patience, CancellationToken cancellationToken) =>
        (WhatIf?)await AskAsync($"what-if {limit} {rounds} {round} {Name(past)}", () =>
            WhatIf.Ask(past, round, rounds, limit), patience, cancellationToken);

    /// <summary>How many further rounds fit a limit; null as in <see cref="EpsilonAsync"/>.</summary>
    internal async Task<long?> RoundsLeftAsync(IReadOnlyList<SampledGaussian> past, SampledGaussian round, PrivacyLimit limit,
        TimeSpan patience, CancellationToken cancellationToken) =>
        (long?)await AskAsync($"left {limit} {round} {Name(past)}", () => RoundsLeft(past, round, limit), patience, cancellationToken);

    public void Dispose() => _one.Dispose();

    private static long RoundsLeft(IReadOnlyList<SampledGaussian> past, SampledGaussian round, PrivacyLimit limit) =>
        round.Steps == 0 || limit.Epsilon is not { } most ? 0
        : Calibration.Steps(Accountants.Default, most, limit.Delta, round.NoiseMultiplier, round.SamplingRate, past) / round.Steps;

    private static string Name(IReadOnlyList<SampledGaussian> runs) =>
        string.Join(';', runs.Select(run => $"{run.NoiseMultiplier:r},{run.SamplingRate:r},{run.Steps}"));

    private async Task<object?> AskAsync(string question, Func<object?> answer, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (_known.Count > MostKnown)
            _known.Clear();
        var asked = _known.GetOrAdd(question, _ => Task.Run(() => AnswerAsync(answer), CancellationToken.None));
        try
        {
            return await asked.WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task<object?> AnswerAsync(Func<object?> answer)
    {
        await _one.WaitAsync();
        try
        {
            return answer();
        }
        finally
        {
            _one.Release();
        }
    }
}
