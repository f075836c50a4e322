using FedLora.Privacy;
using FedLora.Privacy.Ledger;

namespace FedLora.Federations;

/// <summary>What one round cost a data set, as the node's own ledger has recorded it.</summary>
public sealed record PrivacyReceipt
{
    public required double NoiseMultiplier { get; init; }

    public required double SamplingRate { get; init; }

    public required int Steps { get; init; }

    public required double ClipNorm { get; init; }

    public required double Delta { get; init; }

    /// <summary>Upper bound of the data set's epsilon over all federations, after this round.</summary>
    public required double EpsilonSpent { get; init; }

    /// <summary>0: no limit.</summary>
    public double EpsilonLimit { get; init; }

    /// <summary>Stands for what the site calls its data.</summary>
    public required string DataSet { get; init; }

    /// <summary>Hash of the ledger entry, hex.</summary>
    public required string EntryHash { get; init; }

    /// <summary>The entry's place in the node's ledger, from 1; 0 from older nodes.</summary>
    public long EntrySequence { get; init; }

    /// <summary>What the round ran on the data set.</summary>
    public SampledGaussian ToMechanism() => new(NoiseMultiplier, SamplingRate, Steps);

    /// <summary>What the node's ledger has written, as it goes with the update.</summary>
    public static PrivacyReceipt Of(LedgerReceipt receipt) => new()
    {
        NoiseMultiplier = receipt.Run.NoiseMultiplier,
        SamplingRate = receipt.Run.SamplingRate,
        Steps = (int)receipt.Run.Steps,
        ClipNorm = receipt.ClipNorm,
        Delta = receipt.Delta,
        EpsilonSpent = receipt.EpsilonSpent,
        EpsilonLimit = receipt.EpsilonLimit,
        DataSet = receipt.DataSet,
        EntryHash = receipt.EntryHash,
        EntrySequence = receipt.Sequence,
    };
}
