namespace FedLora.Training.Models;

/// <summary>How a vector is normalised.</summary>
public enum NormKind
{
    /// <summary>(x - mean) / sqrt(var + eps) * w + b.</summary>
    Layer,

    /// <summary>x / sqrt(mean(x^2) + eps) * w.</summary>
    Rms,

    /// <summary>x / sqrt(mean(x^2) + eps) * (1 + w), as Gemma stores it.</summary>
    RmsPlusOne,
}

/// <summary>Where the norms of a block stand.</summary>
public enum NormPlacement
{
    /// <summary>x + f(norm(x)).</summary>
    Pre,

    /// <summary>norm(x + f(x)).</summary>
    Post,

    /// <summary>x + norm(f(norm(x))), as Gemma 2 does.</summary>
    Sandwich,
}

public enum Activation
{
    /// <summary>x Phi(x).</summary>
    Gelu,

    /// <summary>0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).</summary>
    GeluTanh,

    /// <summary>x sigmoid(1.702 x).</summary>
    QuickGelu,

    /// <summary>x sigmoid(x).</summary>
    Silu,
    Relu,
    Tanh,
}

/// <summary>What a model is asked for; decides its head.</summary>
public enum ModelTask
{
    /// <summary>The last hidden states only.</summary>
    Hidden,
    CausalLanguageModelling,
    MaskedLanguageModelling,

    /// <summary>One class for a text or an image.</summary>
    Classification,
}

/// <summary>A model as numbers: what <c>config.json</c> says, freed of each family's and each version's way of saying it.</summary>
public sealed record Architecture
{
    /// <summary><c>model_type</c> of the config.</summary>
    public required string ModelType { get; init; }

    /// <summary>Length of a hidden state.</summary>
    public required int Width { get; init; }

    /// <summary>Length of the feed-forward's inner state.</summary>
    public required int Inner { get; init; }

    public required int Layers { get; init; }

    /// <summary>Longest input in tokens.</summary>
    public required int MaxLength { get; init; }

    public required AttentionShape Attention { get; init; }

    public required NormKind Norm { get; init; }

    public required NormPlacement Placement { get; init; }

    public required double NormEpsilon { get; init; }

    public required Activation Activation { get; init; }

    /// <summary>Whether the feed-forward is down(act(gate(x)) * up(x)) instead of down(act(up(x))).</summary>
    public bool GatedFeedForward { get; init; }

    /// <summary>Number of tokens known; 0 for images.</summary>
    public int Vocabulary { get; init; }

    /// <summary>Factor on the word embedding.</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>The first token's row in the table of learnt positions (RoBERTa: padding id + 1).</summary>
    public int FirstPosition { get; init; }

    /// <summary>How many token types there are; 0 for none.</summary>
    public int TokenTypes { get; init; }

    /// <summary>The padding token, where the config names one.</summary>
    public int? PadToken { get; init; }

    /// <summary>The first of the tokens that end a text, see <see cref="Models.EndTokens"/>; part of the model's fingerprint.</summary>
    public int? EndToken { get; init; }

    /// <summary>Images: side, channels and patch in pixels; null for text.</summary>
    public ImageShape? Image { get; init; }

    /// <summary>logits = c tanh(logits / c), or null.</summary>
    public double? LogitSoftCap { get; init; }

    /// <summary>Whether the language model's head is the word embedding.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Whether linear layers are stored d_in x d_out (GPT-2's <c>Conv1D</c>).</summary>
    public bool TransposedLinears { get; init; }

    /// <summary>The names of classes, by index; empty where the model is not a classifier.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>What the model is asked for.</summary>
    public ModelTask Task { get; init; }

    /// <summary>What its tensors are called.</summary>
    public required ModelNames Names { get; init; }
}

/// <summary>Attention: how many heads of which size, and what a position may look at.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; each serves Heads / KeyValueHeads query heads.</param>
/// <param name="HeadSize">Length of one head.</param>
/// <param name="Scale">Factor on q k^T.</param>
/// <param name="Causal">Whether a position sees only itself and what comes before.</param>
public sealed record AttentionShape(int Heads, int KeyValueHeads, int HeadSize, double Scale, bool Causal)
{
    /// <summary>scores = c tanh(scores / c), or null.</summary>
    public double? SoftCap { get; init; }

    /// <summary>By layer: how many positions, itself included, a position sees; null for all.</summary>
    public IReadOnlyList<int?> Windows { get; init; } = [];

    /// <summary>Rotary positions, or null where positions are learnt.</summary>
    public RotaryShape? Rotary { get; init; }

    /// <summary>Whether each head's query and key are normalised (Qwen 3).</summary>
    public bool NormalisedHeads { get; init; }
}

/// <summary>A square image cut into square patches.</summary>
public sealed record ImageShape(int Side, int Channels, int Patch)
{
    public int Patches => Side / Patch * (Side / Patch);
}
