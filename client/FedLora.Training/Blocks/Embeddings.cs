using FedLora.Training.Models;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>What goes into the first block: a row for every token, or for every patch of an image.</summary>
public interface IEmbeddings : IDisposable
{
    IEnumerable<Slot> Slots { get; }

    /// <summary>All rows x width, float32.</summary>
    Tensor Forward(Batch batch);
}

/// <summary>Words, and where the family has them learnt positions, token types, a norm.</summary>
public sealed class TextEmbeddings(Slot words, Slot? positions, Slot? tokenTypes, Norm? norm, double scale) : IEmbeddings
{
    public Slot Words { get; } = words;

    public IEnumerable<Slot> Slots => [.. new[] { Words, positions, tokenTypes }.OfType<Slot>(), .. norm?.Slots ?? []];

    public Tensor Forward(Batch batch)
    {
        using var scope = NewDisposeScope();
        var x = Words.Value.index_select(0, batch.Tokens!).to(ScalarType.Float32);
        if (scale != 1)
            x = x.mul(Held(scale));
        if (positions is not null)
            x = x.SumWith(positions.Value.index_select(0, batch.Positions!));
        if (tokenTypes is not null)
            x = x.SumWith(tokenTypes.Value.index_select(0, batch.TokenTypes!));
        return (norm?.Forward(x) ?? x).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var slot in Slots)
            slot.Dispose();
    }
}

/// <summary>Patches of an image through one linear layer, led by a class token, plus learnt positions.</summary>
/// <param name="weight">width x (channels * patch * patch).</param>
public sealed class ImageEmbeddings(ImageShape shape, Slot weight, Slot bias, Slot classToken, Slot positions) : IEmbeddings
{
    public IEnumerable<Slot> Slots => [weight, bias, classToken, positions];

    public Tensor Forward(Batch batch)
    {
        using var scope = NewDisposeScope();
        var (count, side, width) = (batch.Pixels!.shape[0], shape.Side / shape.Patch, weight.Value.shape[0]);
        var patches = batch.Pixels.view(count, shape.Channels, side, shape.Patch, side, shape.Patch).permute(0, 2, 4, 1, 3, 5)
            .reshape(count * side * side, -1);
        var embedded = nn.functional.linear(patches, weight.Value, bias.Value).view(count, shape.Patches, width);
        return cat([classToken.Value.view(1, 1, width).expand(count, 1, width), embedded], 1)
            .SumWith(positions.Value.view(1, shape.Patches + 1, width))
            .reshape(count * (shape.Patches + 1), width).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var slot in Slots)
            slot.Dispose();
    }
}
