using FedLora.Privacy;
using FedLora.Privacy.Ledger;

namespace FedLora.Grains.Nodes;

/// <summary>
/// What the coordinator knows of a node's ledger: its receipts, and the balance that it sends with every poll. The node's own ledger
/// decides; the mirror spares it rounds that it would refuse.
/// </summary>
/// <param name="balance">As the node last told; null where it has told none.</param>
/// <param name="spent">By data set, the one that was used last at the end.</param>
/// <param name="receipted">The latest place in the node's ledger that it had sent a receipt of when it told its balance; 0 = none.</param>
public sealed class LedgerMirror(PrivacyBalance? balance, IReadOnlyList<DataSetSpending> spent, long receipted)
{
    /// <summary>The limit; null where the site has told of none.</summary>
    public PrivacyLimit? Limit => balance is { LimitEpsilon: > 0 } told ? new(told.LimitEpsilon, told.Delta)
        : balance is null && spent is [.., { Last.Receipt: { EpsilonLimit: > 0 } last }] ? new(last.EpsilonLimit, last.Delta) : null;

    /// <summary>What the node's present data set has spent.</summary>
    public IReadOnlyList<SampledGaussian> Past() => Past(balance,
        spent.LastOrDefault(known => balance is null || known.DataSet == balance.DataSet)?.Runs ?? []);

    /// <summary>
    /// What a data set has spent. A ledger that says less than its own receipts has been put back to an older copy: then the receipts
    /// count.
    /// </summary>
    /// <param name="balance">As the node last told of this data set; null where it has told nothing.</param>
    /// <param name="receipted">What its receipts say was run on it.</param>
    public static IReadOnlyList<SampledGaussian> Past(PrivacyBalance? balance, IEnumerable<PrivacyRun> receipted)
    {
        var mirrored = SampledGaussian.Simplify(receipted.Select(run => run.ToMechanism()));
        var told = SampledGaussian.Simplify((balance?.Runs ?? []).Select(run => run.ToMechanism()));
        return [.. told.Concat(mirrored).GroupBy(run => (run.NoiseMultiplier, run.SamplingRate))
            .Select(same => same.MaxBy(run => run.Steps)!)];
    }

    /// <summary>
    /// Whether the node's ledger has fewer entries than a receipt of its own: it was put back to an older copy, and has forgotten what came
    /// after.
    /// </summary>
    public bool IsOlderCopy => balance is { Entries: > 0 } told && receipted > told.Entries;

    /// <summary>Whether one more round fits.</summary>
    public Task<BudgetVerdict> FitsAsync(SampledGaussian round, BudgetVerdicts verdicts)
    {
        if (IsOlderCopy)
            return No(0,
                $"its privacy ledger is an older copy: it has {balance!.Entries} entries, and has sent a receipt for entry {receipted}; "
                    + $"the site restores the newest one");
        if (Limit is not { } limit)
            return Task.FromResult(new BudgetVerdict(true, 0, ""));
        return balance is { } told && limit.Epsilon is { } most && told.SpentEpsilon >= most
            ? No(told.SpentEpsilon,
                $"its data set {told.DataSet} has spent epsilon {EpsilonText.AtMost(told.SpentEpsilon)} of {EpsilonText.AtLeast(most)}")
            : verdicts.AskAsync(Past(), round, limit);
    }

    /// <summary>Whether so many rounds fit.</summary>
    public PlanVerdict Plan(SampledGaussian round, long rounds, CancellationToken cancellationToken) =>
        Limit is { } limit ? PrivacyBudget.Plan(Past(), round, rounds, limit, cancellationToken: cancellationToken)
            : new PlanVerdict(true, rounds, round.NoiseMultiplier, "");

    private static Task<BudgetVerdict> No(double epsilon, string reason) => Task.FromResult(new BudgetVerdict(false, epsilon, reason));
}
