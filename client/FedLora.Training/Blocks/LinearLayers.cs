using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// The linear layers of a model, or one node's stand-ins for them, and its embeddings: what an adapter is put on.
/// </summary>
/// <param name="projections">In the model's order.</param>
/// <param name="embeddings">The embeddings' tensors; none of stand-ins, whose passes share them.</param>
/// <param name="device">Where their tensors lie.</param>
internal sealed class LinearLayers(IReadOnlyList<Projection> projections, IReadOnlyList<Slot> embeddings, Device device)
{
    private readonly Dictionary<string, (Projection, LinearPart)> _byName =
        projections.SelectMany(projection => projection.Parts, (projection, part) => (projection, part))
            .ToDictionary(pair => pair.part.Name, StringComparer.Ordinal);

    public IReadOnlyList<Projection> Projections { get; } = projections;

    public Device Device { get; } = device;

    /// <summary>The linear layer of that path, or null.</summary>
    public (Projection Projection, LinearPart Part)? Find(string module) => _byName.TryGetValue(module, out var found) ? found : null;

    /// <summary>The embeddings' tensor of that name, or null.</summary>
    public Slot? FindEmbedding(string tensor) => embeddings.FirstOrDefault(slot => slot.Name == tensor);

    /// <summary>Stand-ins that share every tensor, by the layer that each stands in for.</summary>
    public IReadOnlyDictionary<Projection, Projection> StandIns() =>
        Projections.ToDictionary(projection => projection, projection => projection.StandIn());
}
