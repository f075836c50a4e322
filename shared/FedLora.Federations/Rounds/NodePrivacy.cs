using FedLora.Federations.Cohorts;
using FedLora.Federations.Definitions;
using FedLora.Privacy.Ledger;

namespace FedLora.Federations.Rounds;

/// <summary>What a federation's privacy terms mean at one node, and what it has spent.</summary>
public sealed record NodePrivacy
{
    /// <summary>Empty: any node, where the sampling rate is the same for all.</summary>
    public string NodeId { get; init; } = "";

    public string Node { get; init; } = "";

    /// <summary>q.</summary>
    public required double SamplingRate { get; init; }

    /// <summary>sigma, as stated or calibrated.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>Of all planned rounds by themselves.</summary>
    public required double PlannedEpsilon { get; init; }

    /// <summary>Rounds that it has trained for this federation.</summary>
    public int Rounds { get; init; }

    /// <summary>Of its data set over all federations.</summary>
    public double SpentEpsilon { get; init; }

    /// <summary>The site's; 0 = none.</summary>
    public double LimitEpsilon { get; init; }

    /// <summary>What the last two are stated at.</summary>
    public double Delta { get; init; }

    /// <summary>The count of examples that may be known: from the definition, or as the site itself states it.</summary>
    public static long? StatedCount(FederationDefinition definition, string node, NodeProfile profile) =>
        definition.PublicCounts.TryGetValue(node, out var count) ? count : profile.ExampleCount;

    /// <summary>A node's row. Calibrates, which may take seconds.</summary>
    /// <exception cref="FedLoraException"><c>privacy-rate-unknown</c>, <c>privacy-budget-too-small</c>.</exception>
    public static NodePrivacy Of(FederationDefinition definition, string nodeId, string node, long? statedCount,
        CancellationToken cancellationToken)
    {
        var plan = definition.ToPlan()!;
        var rate = plan.RateFor(statedCount);
        return new()
        {
            NodeId = nodeId,
            Node = node,
            SamplingRate = rate,
            NoiseMultiplier = plan.RoundAt(rate, cancellationToken).NoiseMultiplier,
            PlannedEpsilon = plan.PlannedEpsilon(rate, cancellationToken),
            Delta = plan.Delta,
        };
    }

    /// <summary>This row after one more receipt.</summary>
    public NodePrivacy After(LedgerReceipt receipt) =>
        this with { Rounds = Rounds + 1, SpentEpsilon = receipt.EpsilonSpent, LimitEpsilon = receipt.EpsilonLimit, Delta = receipt.Delta };

    /// <summary>This row with what another of the same node has counted.</summary>
    public NodePrivacy Carrying(NodePrivacy before) =>
        this with { Rounds = before.Rounds, SpentEpsilon = before.SpentEpsilon, LimitEpsilon = before.LimitEpsilon };
}
