using System.Collections.Concurrent;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;

namespace FedLora.Grains.Nodes;

/// <summary>
/// Whether a round fits a limit after what was spent, worked out once in this process: a thousand nodes that have spent the same make one
/// question, which may take tens of milliseconds.
/// </summary>
public sealed class BudgetVerdicts
{
    private const int Kept = 10_000;
    private readonly ConcurrentDictionary<string, Lazy<Task<BudgetVerdict>>> _known = new(StringComparer.Ordinal);

    /// <summary>As <see cref="PrivacyBudget.Fits"/>; off the caller's thread.</summary>
    /// <exception cref="FedLoraException">As there.</exception>
    internal async Task<BudgetVerdict> AskAsync(IReadOnlyList<SampledGaussian> past, SampledGaussian round, PrivacyLimit limit)
    {
        if (_known.Count >= Kept)
            _known.Clear();
        var question = string.Join(';', past.Append(round).Select(run => run.ToString()).Append(limit.ToString()));
        var answer = _known.GetOrAdd(question, _ => new(() => Task.Run(() => PrivacyBudget.Fits(past, round, limit))));
        try
        {
            return await answer.Value;
        }
        catch
        {
            _known.TryRemove(question, out _);
            throw;
        }
    }
}
