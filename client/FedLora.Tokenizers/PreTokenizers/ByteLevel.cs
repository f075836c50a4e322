using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.PreTokenizers;

/// <summary>
/// GPT-2's: perhaps a space in front, perhaps its pattern, then (<paramref name="rewrites"/>) every UTF-8 byte as its printable character.
/// </summary>
internal sealed class ByteLevel(bool addPrefixSpace, bool useRegex, bool rewrites = true) : IPreTokenizer
{
    private static readonly RunePattern Gpt2 = RunePattern.Compile(
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    public void Apply(PieceText pieces)
    {
        if (addPrefixSpace)
            PieceRewriter.Rewrite(pieces, static (text, piece) =>
            {
                if (text[piece.Start] != ' ')
                    text.Emit(' ', piece.Start);
                text.EmitRange(piece.Start, piece.Length);
            });
        if (useRegex)
            pieces.Split(Gpt2, SplitBehavior.Isolated, invert: false);
        if (rewrites)
        {
            PieceRewriter.Rewrite(pieces, static (text, piece) =>
            {
                for (var i = piece.Start; i < piece.Start + piece.Length; i++)
                    ByteAlphabet.Emit(text, i);
            });
        }
    }

    public IPreTokenizer WithoutBytes() => new ByteLevel(addPrefixSpace, useRegex, rewrites: false);
}

/// <summary>SentencePiece's: spaces become a mark, perhaps one in front, perhaps a split before each.</summary>
/// <param name="replacement">The mark, as a rule U+2581.</param>
/// <param name="scheme">Where a mark is put in front: <c>always</c>, <c>first</c> (the text's first piece), <c>never</c>.</param>
/// <param name="split">Split before each mark.</param>
internal sealed class Metaspace(int replacement, string scheme, bool split) : IPreTokenizer
{
    private readonly RuneSet _mark = new(rune => rune == replacement);

    public void Apply(PieceText pieces)
    {
        PieceRewriter.Rewrite(pieces, (text, piece) =>
        {
            var prefixed = text[piece.Start] == ' ' || text[piece.Start] == replacement;
            if (!prefixed && (scheme == "always" || scheme == "first" && text.From(piece.Start) == 0))
                text.Emit(replacement, piece.Start);
            for (var i = piece.Start; i < piece.Start + piece.Length; i++)
                text.Emit(text[i] == ' ' ? replacement : text[i], i);
        });
        if (split)
            pieces.Split(_mark, SplitBehavior.MergedWithNext);
    }
}

/// <summary>Writes all pieces anew, each by the same rule; added tokens stay.</summary>
internal static class PieceRewriter
{
    public static void Rewrite(PieceText pieces, Action<AlignedText, Piece> rule)
    {
        var text = pieces.Text;
        foreach (var piece in pieces.Pieces)
        {
            var start = text.Emitted;
            if (piece.Token >= 0)
                text.EmitRange(piece.Start, piece.Length);
            else
                rule(text, piece);
            pieces.Add(new Piece(start, text.Emitted - start, piece.Token));
        }
        text.Commit();
        pieces.CommitPieces();
    }
}
