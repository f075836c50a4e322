using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>One pass of a batch through a model.</summary>
/// <param name="Batch">What goes in.</param>
public sealed record Pass(Batch Batch)
{
    /// <summary>Where per-example gradients are gathered, or null for ordinary gradients.</summary>
    public IGradientTap? Tap { get; init; }

    /// <summary>Source of LoRA's dropout; null turns dropout off (evaluation).</summary>
    public Generator? Dropout { get; init; }

    /// <summary>Keys and values of earlier positions (generation), or null.</summary>
    public KeyValueCache? Cache { get; init; }
}
