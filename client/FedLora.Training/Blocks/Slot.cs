using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// A named tensor of a model: frozen as it was loaded, until a <see cref="ParameterSet"/> puts a trainable leaf in its place.
/// </summary>
/// <param name="name">Its name: an adapter's key for factors and heads, the checkpoint's for base weights.</param>
/// <param name="value">Its values.</param>
public sealed class Slot(string name, Tensor value) : IDisposable
{
    public string Name { get; internal set; } = name;

    /// <summary>The tensor that layers compute with. Whoever sets it disposes the one before.</summary>
    public Tensor Value { get; set; } = value;

    /// <summary>Whether the optimiser changes it.</summary>
    public bool IsTrainable => Value.requires_grad;

    public void Dispose() => Value.Dispose();
}
