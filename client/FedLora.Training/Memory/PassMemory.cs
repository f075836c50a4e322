using FedLora.Training.Models;

namespace FedLora.Training.Memory;

/// <summary>
/// Memory of one pass through the model and back: what every block keeps for its way back, and what is needed beside that at the widest
/// place. Follows what <see cref="Blocks.Block"/> and what it is made of keep on the CPU.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="adapted">Linear layers with factors, by name.</param>
/// <param name="product">Bytes of a number of the frozen weights and their products: 4 or 2.</param>
/// <param name="dropout">Whether LoRA's dropout is on, whose masks are kept.</param>
internal sealed class PassMemory(Architecture model, IReadOnlySet<string> adapted, int product, bool dropout)
{
    private const int Float = 4;

    // Of the loss, see LanguageLossFunction: logits at once.
    private const long LogitsAtOnce = 1 << 25;

    private readonly long _width = model.Width;
    private readonly long _inner = model.Inner;
    private readonly long _query = (long)model.Attention.Heads * model.Attention.HeadSize;
    private readonly long _heads = ((long)model.Attention.Heads + (2L * model.Attention.KeyValueHeads)) * model.Attention.HeadSize;

    /// <summary>What is kept until the way back has passed it, bytes.</summary>
    /// <param name="rows">Tokens or patches of the pass.</param>
    /// <param name="longest">Of one example.</param>
    internal long Kept(long rows, long longest) => (2 * Float * _width * rows)
        + Enumerable.Range(0, model.Layers).Sum(layer => rows * (Inputs(layer) + Between(longest)));

    /// <summary>Of that the inputs of adapted layers, which their factors' gradients are made from, bytes.</summary>
    internal long Inputs(long rows) => Enumerable.Range(0, model.Layers).Sum(layer => rows * Inputs(layer));

    /// <summary>What is needed beside at the widest place, bytes.</summary>
    /// <param name="rows">As above.</param>
    internal long Beside(long rows) => Math.Max(Loss(rows), Block(rows));

    private long Inputs(int layer)
    {
        var (path, names) = (LinearShape.BlockPath(model, layer), model.Names.Block);
        return Kept(names.Attention, _width) + Kept([names.AttentionOutput], _query) + Kept(names.Inner, _width)
            + Kept([names.Outer], _inner);

        // One product of all that have the input, and one mask for each of them.
        long Kept(IReadOnlyList<string> layers, long dIn)
        {
            var count = layers.Count(name => adapted.Contains($"{path}.{name}"));
            return count == 0 ? 0 : dIn * product * (1 + (dropout ? count : 0));
        }
    }

    // Of a block, for each row, whatever is adapted.
    private long Between(long longest)
    {
        // The residual stream before either norm, and what the norm makes of it where it is of another type than the products'.
        var norms = 2 * Float * _width * (model.Placement == NormPlacement.Sandwich ? 2 : 1);
        if (model.Norm == NormKind.Layer && product != Float)
            norms += 2 * Float * _width;
        return norms + Attention(longest) + FeedForward();
    }

    private long Attention(long longest)
    {
        var shape = model.Attention;
        // Capped scores go operation by operation: copies of query, key and value, and the scores of each head three times.
        if (shape.SoftCap is not null)
            return (2 * Float * _heads) + (3 * Float * shape.Heads * longest);
        var heads = shape.NormalisedHeads ? 2 * Float : product;
        return (_heads * heads) + (Float * shape.Heads);
    }

    private long FeedForward() => !model.GatedFeedForward ? Float * _inner
        : model.Activation == Activation.Silu ? 2 * product * _inner
        : 4 * Float * _inner;

    private long Loss(long rows)
    {
        var (words, states) = ((long)model.Vocabulary, 3 * Float * _width * rows);
        return model.Task == ModelTask.Classification ? states
            : states + (Math.Min(rows * words, LogitsAtOnce + words) * (model.LogitSoftCap is null ? product : 4 * Float));
    }

    // The gradient of the inner state and of what made it, the residual stream's, and a copy of the largest weight with its factors.
    private long Block(long rows)
    {
        var number = model.GatedFeedForward && model.Activation == Activation.Silu ? product : Float;
        var inner = (model.GatedFeedForward ? 3 : 2) * _inner * number;
        var attention = 2 * _heads * Float;
        var weight = Math.Max((model.GatedFeedForward ? 2 : 1) * _inner * _width, _heads * _width) * product;
        return (rows * (Math.Max(inner, attention) + (3 * Float * _width))) + weight;
    }
}
