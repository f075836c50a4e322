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

    /// <summary>
    /// Several nodes whose examples lie one node's after the other's, each with an adapter of its own; null where the adapter is on the
    /// model.
    /// </summary>
    internal IReadOnlyList<PassMember>? Members { get; init; }

    /// <summary>Keys and values of earlier positions (generation), or null.</summary>
    public KeyValueCache? Cache { get; init; }
}

/// <summary>A node in a pass of several.</summary>
/// <param name="Examples">How many of the batch's examples are its own.</param>
/// <param name="Layers">Its stand-ins for the model's layers, see <see cref="Projection.StandIn"/>; null for one alone in the pass.</param>
/// <param name="Tap">Where its per-example gradients are gathered, or null.</param>
/// <param name="Dropout">Source of its dropout, or null.</param>
internal sealed record PassMember(int Examples, IReadOnlyDictionary<Projection, Projection>? Layers, IGradientTap? Tap, Generator? Dropout);
