using FedLora.Privacy.Ledger;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Protocol.Mapping;

/// <summary>A receipt of a node's ledger, from the wire and back.</summary>
public static class ReceiptMapping
{
    public static Wire.PrivacyReceipt ToWire(this LedgerReceipt receipt) => new()
    {
        NoiseMultiplier = receipt.NoiseMultiplier,
        SamplingRate = receipt.SamplingRate,
        Steps = (uint)receipt.Steps,
        ClipNorm = receipt.ClipNorm,
        Delta = receipt.Delta,
        EpsilonSpent = receipt.EpsilonSpent,
        EpsilonLimit = receipt.EpsilonLimit,
        DataSet = receipt.DataSet,
        EntryHash = receipt.EntryHash,
        EntrySequence = (ulong)receipt.EntrySequence,
    };

    public static LedgerReceipt ToModel(this Wire.PrivacyReceipt wire) => new()
    {
        NoiseMultiplier = wire.NoiseMultiplier,
        SamplingRate = wire.SamplingRate,
        Steps = (int)wire.Steps,
        ClipNorm = wire.ClipNorm,
        Delta = wire.Delta,
        EpsilonSpent = wire.EpsilonSpent,
        EpsilonLimit = wire.EpsilonLimit,
        DataSet = wire.DataSet,
        EntryHash = wire.EntryHash,
        EntrySequence = (long)wire.EntrySequence,
    };
}
