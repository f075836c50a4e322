namespace FedLora.Training.Data;

/// <summary>One example as a model takes it: never padded, so that every position counts.</summary>
/// <param name="Tokens">Token ids, special tokens included; empty for an image.</param>
public sealed record Example(int[] Tokens)
{
    /// <summary>The value in <see cref="Labels"/> that means "no loss here".</summary>
    public const int NoLabel = -100;

    /// <summary>Segment of each token (0 or 1), as long as <see cref="Tokens"/>; null stands for all 0.</summary>
    public int[]? TokenTypes { get; init; }

    /// <summary>
    /// Language modelling: as long as <see cref="Tokens"/>; the id that belongs at that place, or <see cref="NoLabel"/>. Causal models
    /// predict the label of a place from the places before it (the shift is theirs), masked ones from the whole text.
    /// </summary>
    public int[]? Labels { get; init; }

    /// <summary>
    /// Masked language modelling: ids that the first place shall tell as well, so that it learns to sum up the text; null for none.
    /// </summary>
    public int[]? Summary { get; init; }

    /// <summary>Classification: the index of the right class; null where it is not known.</summary>
    public int? Class { get; init; }

    /// <summary>Images: makes channels x height x width numbers, normalised as the model wants, when a batch needs them; null for
    /// text.</summary>
    public Func<float[]>? Pixels { get; init; }
}
