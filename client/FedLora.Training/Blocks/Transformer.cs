using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>A whole model: embeddings, blocks, final norm, head. All families are this, with parts of their own.</summary>
public sealed class Transformer(Architecture architecture, IEmbeddings embeddings, IReadOnlyList<Block> blocks, Norm? finalNorm, Head? head,
    Rotary? rotary, Device device) : IDisposable
{
    private readonly AttentionMasks _masks = new(device);
    private LinearLayers? _layers;

    public Architecture Architecture { get; } = architecture;

    public IEmbeddings Embeddings { get; } = embeddings;

    public Head? Head { get; } = head;

    /// <summary>Where its tensors lie.</summary>
    public Device Device { get; } = device;

    /// <summary>All linear layers but the embeddings of images.</summary>
    public IEnumerable<Projection> Projections => [.. blocks.SelectMany(b => b.Projections), .. Head?.Projections ?? []];

    /// <summary>Every tensor of the base model, each once (a tied head counts as the embedding).</summary>
    public IEnumerable<Slot> BaseSlots =>
        Embeddings.Slots.Concat(
            blocks.SelectMany(b => b.Norms).Concat(finalNorm is null ? [] : [finalNorm]).Concat(Head?.Norms ?? []).SelectMany(n => n.Slots))
            .Concat(Projections.SelectMany(p => p.Bias is null ? [p.Weight] : new[] { p.Weight, p.Bias })).Distinct();

    /// <summary>Its linear layers, to look one up or to put an adapter on.</summary>
    internal LinearLayers Layers => _layers ??= new([.. Projections], [.. Embeddings.Slots], Device);

    /// <summary>The linear layer of that path, or null.</summary>
    public (Projection Projection, LinearPart Part)? Find(string module) => Layers.Find(module);

    /// <summary>Packs examples for this model.</summary>
    public Batch Pack(IReadOnlyList<Data.Example> examples) => new(examples, Architecture, Device);

    /// <summary>The last hidden states of some rows, chosen rows x width.</summary>
    public Tensor Hidden(Pass pass, RowSet rows)
    {
        using var scope = NewDisposeScope();
        var at = rotary?.At(pass.Batch.Positions!);
        var x = Embeddings.Forward(pass.Batch);
        for (var i = 0; i < blocks.Count; i++)
        {
            var before = x;
            x = blocks[i].Forward(x, pass, at, _masks, i == blocks.Count - 1 ? rows : RowSet.All(pass.Batch), i);
            before.Dispose();
        }
        return (finalNorm?.Forward(x) ?? x).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of some rows, chosen rows x classes or words.</summary>
    /// <exception cref="InvalidOperationException">The model was loaded without head.</exception>
    public Tensor Logits(Pass pass, RowSet rows)
    {
        using var scope = NewDisposeScope();
        var last = Head ?? throw new InvalidOperationException("This model was loaded without head.");
        var features = last.Features(Hidden(pass, rows), pass, rows.Counts);
        return last.Logits(features, pass, rows.Counts).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Embeddings.Dispose();
        foreach (var block in blocks)
            block.Dispose();
        finalNorm?.Dispose();
        Head?.Dispose();
        rotary?.Dispose();
        _masks.Dispose();
    }
}
