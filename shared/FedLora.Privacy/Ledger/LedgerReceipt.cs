using System.Text.Json.Serialization;

namespace FedLora.Privacy.Ledger;

/// <summary>
/// What one round cost a data set, as the node's own ledger has recorded it: the node trains on it, the coordinator is told it. It carries
/// no count of examples: that is private too.
/// </summary>
public sealed record LedgerReceipt
{
    /// <summary>sigma.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>q.</summary>
    public required double SamplingRate { get; init; }

    public required int Steps { get; init; }

    /// <summary>C.</summary>
    public required double ClipNorm { get; init; }

    /// <summary>At which the epsilons are stated.</summary>
    public required double Delta { get; init; }

    /// <summary>Upper bound of the data set's epsilon over all federations, after this round.</summary>
    public required double EpsilonSpent { get; init; }

    /// <summary>0: no limit.</summary>
    public double EpsilonLimit { get; init; }

    /// <summary>Stands for what the site calls its data.</summary>
    public required string DataSet { get; init; }

    /// <summary>Hash of the ledger entry, hex.</summary>
    public required string EntryHash { get; init; }

    /// <summary>
    /// The entry's place in the node's ledger, from 1; 0 from older nodes. A later receipt with an earlier place is of a ledger that was
    /// put back to an older copy.
    /// </summary>
    public long EntrySequence { get; init; }

    /// <summary>sigma, q and steps.</summary>
    [JsonIgnore]
    public SampledGaussian Run => new(NoiseMultiplier, SamplingRate, Steps);
}
