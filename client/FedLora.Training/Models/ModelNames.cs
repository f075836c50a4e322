namespace FedLora.Training.Models;

/// <summary>
/// What a family calls its tensors: dotted paths of modules, as its class in transformers has them (adapters are keyed by these).
/// </summary>
public sealed record ModelNames
{
    /// <summary>The part without head, e.g. <c>model</c>; checkpoints of the bare model leave it out.</summary>
    public required string Base { get; init; }

    /// <summary>Word embedding below <see cref="Base"/>; null for images.</summary>
    public string? Words { get; init; }

    /// <summary>Learnt positions below <see cref="Base"/>, or null.</summary>
    public string? Positions { get; init; }

    /// <summary>Token types below <see cref="Base"/>, or null.</summary>
    public string? TokenTypes { get; init; }

    /// <summary>The norm of the embeddings below <see cref="Base"/>, or null.</summary>
    public string? EmbeddingNorm { get; init; }

    /// <summary>The norm after the last block below <see cref="Base"/>, or null.</summary>
    public string? FinalNorm { get; init; }

    /// <summary>The list of blocks below <see cref="Base"/>, e.g. <c>encoder.layer</c>.</summary>
    public required string Blocks { get; init; }

    /// <summary>Names within a block.</summary>
    public required BlockNames Block { get; init; }

    /// <summary>The head that the task wants.</summary>
    public HeadNames Head { get; init; } = new();

    /// <summary>
    /// Other spellings in checkpoints: (as here, as there), pieces of a path. Older releases and the hub's files name some modules
    /// differently from the class that loads them.
    /// </summary>
    public IReadOnlyList<(string Here, string There)> Spellings { get; init; } = [];
}

/// <summary>Names within a block. Linear layers that share their input stand in one list; a fused layer is a list of one.</summary>
public sealed record BlockNames
{
    /// <summary>Query, key and value.</summary>
    public required IReadOnlyList<string> Attention { get; init; }

    public required string AttentionOutput { get; init; }

    /// <summary>Gate and up, or only up.</summary>
    public required IReadOnlyList<string> Inner { get; init; }

    public required string Outer { get; init; }

    /// <summary>Norm before (or, placed <see cref="NormPlacement.Post"/>, after) attention.</summary>
    public required string AttentionNorm { get; init; }

    /// <summary>Norm before or after the feed-forward.</summary>
    public required string FeedForwardNorm { get; init; }

    /// <summary>Second norms of <see cref="NormPlacement.Sandwich"/>.</summary>
    public string? AttentionPostNorm { get; init; }

    /// <inheritdoc cref="AttentionPostNorm"/>
    public string? FeedForwardPostNorm { get; init; }

    /// <summary>Norms of each head's query and key.</summary>
    public string? QueryNorm { get; init; }

    /// <inheritdoc cref="QueryNorm"/>
    public string? KeyNorm { get; init; }
}

/// <summary>A head: hidden state, perhaps through a dense layer with activation (and norm), to logits.</summary>
public sealed record HeadNames
{
    /// <summary>The dense layer before the last, or null.</summary>
    public string? Dense { get; init; }

    public Activation DenseActivation { get; init; }

    /// <summary>The norm after the dense layer, or null.</summary>
    public string? DenseNorm { get; init; }

    /// <summary>The last layer; null where the task has no head.</summary>
    public string? Output { get; init; }

    /// <summary>Full name of the output's bias where it does not lie beside the weight (tied heads of masked models).</summary>
    public string? OutputBias { get; init; }

    /// <summary>Whether a classifier reads the last token that is not padding, instead of the first.</summary>
    public bool ReadsLastToken { get; init; }
}
