using FedLora.Federations.Rounds;

namespace FedLora.Federations.Updates;

/// <summary>Whether an update's privacy receipt (or the lack of one) is what the federation's terms say.</summary>
public static class ReceiptCheck
{
    /// <summary>Null where it is as agreed.</summary>
    /// <param name="row">What the terms mean at this node; null where that was never worked out.</param>
    public static Refusal? Check(FederationStanding standing, UpdateHeader header, NodePrivacy? row)
    {
        var node = header.NodeId;
        if (standing.Definition.Privacy is not { } privacy)
        {
            return header.Receipt is null ? null
                : Refuse($"The update of node '{node}' has a privacy receipt, but the federation has no privacy terms.",
                    "Train without privacy, or ask the operator for a federation with it.");
        }

        if (header.Receipt is not { } receipt)
            return Refuse($"The update of node '{node}' has no privacy receipt.",
                "A federation with privacy terms needs one from the node's ledger.");
        return row is not null && receipt.SamplingRate.Equals(row.SamplingRate) && receipt.NoiseMultiplier >= row.NoiseMultiplier
            && double.IsFinite(receipt.NoiseMultiplier)
            && receipt.Steps == standing.Definition.Training.LocalSteps && header.Steps == receipt.Steps && receipt.ClipNorm > 0
            && receipt.ClipNorm <= privacy.ClipNorm
            && receipt.EpsilonSpent >= 0 && double.IsFinite(receipt.EpsilonSpent) && receipt.Delta is > 0 and < 1
            && receipt.EpsilonLimit >= 0 && double.IsFinite(receipt.EpsilonLimit)
            && header.ExampleCount == 0 && header.Loss is null
            ? null
            : Refuse($"The privacy receipt of node '{node}' does not meet the federation's terms.",
                "Check noise multiplier, sampling rate, steps and clipping norm; neither a loss nor a count may come with it.");
    }

    private static Refusal Refuse(string message, string hint) => new(RefusalCodes.UpdateReceipt, message, hint);
}
