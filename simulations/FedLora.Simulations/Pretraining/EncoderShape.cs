namespace FedLora.Simulations.Pretraining;

/// <summary>The size of a BERT encoder.</summary>
/// <param name="Vocabulary">Word pieces.</param>
/// <param name="Layers">Blocks.</param>
/// <param name="Width">Numbers per token; a multiple of <paramref name="Heads"/>.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Inner">Width of the feed-forward layers.</param>
/// <param name="MaxLength">The most tokens of a text.</param>
public sealed record EncoderShape(int Vocabulary = 8192, int Layers = 4, int Width = 192, int Heads = 4, int Inner = 768,
    int MaxLength = 128);
