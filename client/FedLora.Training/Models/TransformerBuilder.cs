using FedLora.Training.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace FedLora.Training.Models;

/// <summary>Builds a <see cref="Transformer"/> from an architecture and a checkpoint.</summary>
/// <param name="model">The architecture.</param>
/// <param name="reader">The checkpoint.</param>
/// <param name="linearType">How linear weights (and the word embedding) are kept: float32 or bfloat16.</param>
/// <param name="device">Where.</param>
internal sealed class TransformerBuilder(Architecture model, WeightReader reader, ScalarType linearType, Device device)
{
    private readonly ModelNames _names = model.Names;

    public Transformer Build()
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var embeddings = model.Image is null ? Text() : (IEmbeddings)Image();
        var blocks = Enumerable.Range(0, model.Layers).Select(Block).ToArray();
        var finalNorm = _names.FinalNorm is { } name ? Norm($"{_names.Base}.{name}") : null;
        var head = model.Task == ModelTask.Hidden ? null : Head((embeddings as TextEmbeddings)?.Words);
        // Tables need no check.
        var rotary = model.Attention.Rotary is { } shape && device.type != DeviceType.META ? new Rotary(shape, model.MaxLength, device)
            : null;
        return new Transformer(model, embeddings, blocks, finalNorm, head, rotary, device);
    }

    private TextEmbeddings Text()
    {
        var words = Slot($"{_names.Base}.{_names.Words}.weight", linearType, model.Vocabulary, model.Width);
        var positions = _names.Positions is { } name
            ? Slot($"{_names.Base}.{name}.weight", ScalarType.Float32, model.MaxLength + model.FirstPosition, model.Width) : null;
        var types = _names.TokenTypes is { } kinds
            ? Slot($"{_names.Base}.{kinds}.weight", ScalarType.Float32, model.TokenTypes, model.Width) : null;
        return new TextEmbeddings(words, positions, types, _names.EmbeddingNorm is { } norm ? Norm($"{_names.Base}.{norm}") : null,
            model.EmbeddingScale);
    }

    private ImageEmbeddings Image()
    {
        var (prefix, image) = ($"{_names.Base}.embeddings", model.Image!);
        var patch = reader.Read($"{prefix}.patch_embeddings.projection.weight", model.Width, image.Channels, image.Patch, image.Patch);
        return new ImageEmbeddings(image,
            Keep($"{prefix}.patch_embeddings.projection.weight", patch.view(model.Width, -1), ScalarType.Float32),
            Slot($"{prefix}.patch_embeddings.projection.bias", ScalarType.Float32, model.Width),
            Slot($"{prefix}.cls_token", ScalarType.Float32, 1, 1, model.Width),
            Slot($"{prefix}.position_embeddings", ScalarType.Float32, 1, image.Patches + 1, model.Width));
    }

    private Block Block(int layer)
    {
        var (path, names, attention) = (LinearShape.BlockPath(model, layer), _names.Block, model.Attention);
        var window = attention.Windows.Count > layer ? attention.Windows[layer] : null;
        var queryNorm = attention.NormalisedHeads ? Norm($"{path}.{names.QueryNorm}", attention.HeadSize) : null;
        var keyNorm = attention.NormalisedHeads ? Norm($"{path}.{names.KeyNorm}", attention.HeadSize) : null;
        return new Block(
            model.Placement,
            new Attention(attention, window, Project(path, names.Attention, LinearShape.AttentionSizes(model), model.Width),
                Project(path, [names.AttentionOutput], [model.Width], attention.Heads * attention.HeadSize), queryNorm, keyNorm),
            new FeedForward(model.Activation, model.GatedFeedForward,
                Project(path, names.Inner, LinearShape.InnerSizes(model), model.Width),
                Project(path, [names.Outer], [model.Width], model.Inner)),
            new BlockNorms(
                Norm($"{path}.{names.AttentionNorm}"), Norm($"{path}.{names.FeedForwardNorm}"),
                names.AttentionPostNorm is { } after ? Norm($"{path}.{after}") : null,
                names.FeedForwardPostNorm is { } last ? Norm($"{path}.{last}") : null));
    }

    private Head Head(Slot? words)
    {
        var names = _names.Head;
        var dense = names.Dense is null ? null : Project(null, [names.Dense], [model.Width], model.Width);
        var norm = names.DenseNorm is null ? null : Norm(names.DenseNorm);
        var size = model.Task == ModelTask.Classification ? model.Labels.Count : model.Vocabulary;
        if (model.Task == ModelTask.Classification || !model.TiedHead)
            return new Head(dense, names.DenseActivation, norm, Project(null, [names.Output!], [size], model.Width, names.OutputBias),
                model.LogitSoftCap);
        var bias = names.OutputBias is null ? null : Slot(names.OutputBias, ScalarType.Float32, size);
        return new Head(dense, names.DenseActivation, norm,
            new Projection([new LinearPart(names.Output!, 0, size)], words!, bias, tied: true), model.LogitSoftCap);
    }

    private Norm Norm(string name, int? size = null)
    {
        var width = size ?? model.Width;
        var bias = model.Norm == NormKind.Layer ? Slot($"{name}.bias", ScalarType.Float32, width) : null;
        return new Norm(model.Norm, model.NormEpsilon, Slot($"{name}.weight", ScalarType.Float32, width), bias);
    }

    /// <summary>
    /// Linear layers with one input, below each other. A bias is there if the checkpoint has it, or if the head is new and has one by rule.
    /// </summary>
    private Projection Project(string? path, IReadOnlyList<string> names, int[] sizes, int dIn, string? biasName = null)
    {
        var full = names.Select(n => path is null ? n : $"{path}.{n}").ToArray();
        var weight = empty([sizes.Sum(), dIn], dtype: linearType, device: reader.Device);
        var bias = full.Any(n => reader.Has(biasName ?? $"{n}.bias"))
            || (path is null && !_names.Head.ReadsLastToken && model.Task != ModelTask.CausalLanguageModelling)
            ? zeros(sizes.Sum(), device: reader.Device) : null;
        var parts = new LinearPart[full.Length];
        for (int i = 0, offset = 0; i < full.Length; offset += sizes[i++])
        {
            using var scope = NewDisposeScope();
            weight.narrow(0, offset, sizes[i])
                .copy_(reader.ReadLinear($"{full[i]}.weight", sizes[i], dIn, model.TransposedLinears && path is not null));
            if (bias is not null && (reader.Has(biasName ?? $"{full[i]}.bias") || path is null))
                bias.narrow(0, offset, sizes[i]).copy_(reader.Read(biasName ?? $"{full[i]}.bias", sizes[i]));
            parts[i] = new LinearPart(full[i], offset, sizes[i]);
        }
        var name = string.Join('+', full);
        return new Projection(parts, Keep($"{name}.weight", weight, linearType),
            bias is null ? null : Keep(biasName ?? $"{name}.bias", bias, ScalarType.Float32));
    }

    private Slot Slot(string name, ScalarType type, params long[] shape) => Keep(name, reader.Read(name, shape), type);

    private Slot Keep(string name, Tensor value, ScalarType type)
    {
        using var scope = NewDisposeScope();
        scope.Attach(value);
        return new Slot(name, value.to(type, device).contiguous().DetachFromDisposeScope());
    }
}
