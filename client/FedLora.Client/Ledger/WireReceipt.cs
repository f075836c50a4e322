using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;

namespace FedLora.Client.Ledger;

/// <summary>A ledger's receipt as it travels.</summary>
internal static class WireReceipt
{
    internal static PrivacyReceipt Of(LedgerReceipt receipt) => new()
    {
        NoiseMultiplier = receipt.Run.NoiseMultiplier,
        SamplingRate = receipt.Run.SamplingRate,
        Steps = (uint)receipt.Run.Steps,
        ClipNorm = receipt.ClipNorm,
        Delta = receipt.Delta,
        EpsilonSpent = receipt.EpsilonSpent,
        EpsilonLimit = receipt.EpsilonLimit,
        DataSet = receipt.DataSet,
        EntryHash = receipt.EntryHash,
    };
}
