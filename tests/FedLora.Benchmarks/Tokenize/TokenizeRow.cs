namespace FedLora.Benchmarks.Tokenize;

/// <summary>One tokenizer, ours beside the peer's.</summary>
/// <param name="Name">The vocabulary.</param>
/// <param name="CharactersPerSecond">UTF-16 units a second: the median pass of ours, which makes tokens, offsets and masks too.</param>
/// <param name="PeerCharactersPerSecond">The median pass of the peer, which gives ids alone.</param>
/// <param name="Ratio">The median over passes of the peer's time over ours.</param>
/// <param name="Ids">Ids compared.</param>
/// <param name="TextsThatDiffer">Texts whose ids are not the same on both sides.</param>
/// <param name="FirstThatDiffers">Name of the first of them, or null.</param>
internal sealed record TokenizeRow(string Name, double CharactersPerSecond, double PeerCharactersPerSecond, double Ratio, long Ids,
    int TextsThatDiffer, string? FirstThatDiffers);
