using FedLora.Training.Blocks;

namespace FedLora.Training.Lora;

/// <summary>The factors beside one linear layer: y = x W^T + s (x A^T) (R^T) B^T.</summary>
/// <param name="A">r x d_in.</param>
/// <param name="B">d_out x r.</param>
/// <param name="R">r x r (Fed-SB), or null for the identity.</param>
/// <param name="Scale">s.</param>
/// <param name="Dropout">Share of the inputs dropped on the way to A in training, 0 to 1.</param>
public sealed record LoraFactors(Slot A, Slot B, Slot? R, double Scale, double Dropout) : IDisposable
{
    /// <summary>r.</summary>
    public int Rank => (int)A.Value.shape[0];

    public IEnumerable<Slot> Slots => R is null ? [A, B] : [A, B, R];

    public void Dispose()
    {
        foreach (var slot in Slots)
            slot.Dispose();
    }
}
