using FedLora.Client.Hosting;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Memory;

namespace FedLora.Client.Ledger;

/// <summary>
/// What the site allows, whatever trains: its policy, and what its privacy ledger has left. No coordinator can change either.
/// </summary>
public sealed class SiteRules(ClientOptions options, NodeLedger ledger, TimeProvider time)
{
    /// <summary>Why this node asks for no work at this hour, in one line; null if it does.</summary>
    public string? Rests =>
        options.Policy.IsOpen(TimeOnly.FromDateTime(time.GetLocalNow().DateTime)) ? null
            : $"the site's policy lets this node train only at {options.Policy.Hours}, local time";

    /// <summary>Why this node may not take part in a federation's round, in one line; null if it may. Asking spends nothing.</summary>
    /// <param name="task">The federation's.</param>
    /// <param name="memory">What it takes; asked only where the policy limits it.</param>
    public string? Refuses(TrainingTask task, Func<MemoryEstimate?> memory)
    {
        var federation = task.Definition.ToModel();
        return options.Policy.Refuses(federation.Name, federation.Method, federation.BaseModel.Name, federation.BaseModel.Fingerprint,
            ExpectedBatch(federation), federation.Privacy is not null)
            ?? (options.Policy.Memory is null ? null
                : options.Policy.Refuses(memory() is { } needed ? (needed.Total, needed.ToString()) : null))
            ?? ledger.Refuses(federation, (int)task.Round);
    }

    /// <summary>Charges a round to what was just read, durably.</summary>
    /// <exception cref="FedLoraException">As <see cref="NodeLedger.Charge"/>.</exception>
    public LedgerReceipt? Charge(TrainingTask task, IReadOnlyList<ReadOnlyMemory<byte>> identities) =>
        ledger.Charge(task.Definition.ToModel(), (int)task.Round, identities);

    /// <summary>What the coordinator is told of this node.</summary>
    /// <param name="fingerprint">Of the base model that it trains on.</param>
    public NodeProfile Profile(string fingerprint)
    {
        var profile = new NodeProfile
        {
            ModelFingerprints = { fingerprint },
            MaxRank = (uint)options.MaxRank,
            Version = typeof(SiteRules).Assembly.GetName().Version?.ToString() ?? "",
        };
        if (options.PublicCount > 0)
            profile.ExampleCount = (ulong)options.PublicCount;
        if (ledger.Balance() is { } balance)
            profile.Balances.Add(balance);
        return profile;
    }

    // Under a stated rate the batch setting only divides; what is expected to be drawn follows from a stated count, if from anything.
    private double? ExpectedBatch(Federations.Definitions.FederationDefinition federation) =>
        federation.Privacy is { SamplingRate: > 0 } terms ? terms.SamplingRate * ledger.StatedCount(federation)
            : federation.Training.BatchSize;
}
