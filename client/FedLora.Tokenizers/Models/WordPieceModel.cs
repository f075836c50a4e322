using System.Runtime.InteropServices;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Models;

/// <summary>
/// WordPiece: the longest entry from the left, then the longest with the continuing prefix, and so on. A word with any rest that
/// no entry covers, or of more than <c>maxCharacters</c> code points, is one unknown token.
/// </summary>
internal sealed class WordPieceModel : IModel
{
    private readonly RuneTrie _first = new();
    private readonly RuneTrie _continuing = new();
    private readonly int _unknown;
    private readonly int _maxCharacters;

    public WordPieceModel(Vocabulary vocabulary, int unknownId, string continuingPrefix, int maxCharacters)
    {
        (Vocabulary, _unknown, _maxCharacters) = (vocabulary, unknownId, maxCharacters);
        foreach (var (token, id) in vocabulary.Entries)
        {
            _first.Add(token, id);
            if (token.Length > continuingPrefix.Length && token.StartsWith(continuingPrefix, StringComparison.Ordinal))
                _continuing.Add(token[continuingPrefix.Length..], id);
        }
    }

    public Vocabulary Vocabulary { get; }

    public void Tokenize(ReadOnlySpan<int> piece, ModelScratch scratch, List<ModelToken> output)
    {
        if (scratch.Cache.TryGet(piece, output))
            return;
        var from = output.Count;
        for (var start = 0; start < piece.Length;)
        {
            var rest = piece[start..];
            var length = piece.Length > _maxCharacters ? 0
                : (start == 0 ? _first : _continuing).LongestAt(rest, out var id) is > 0 and var found ? Emit(id, found, rest, output) : 0;
            if (length == 0)
            {
                output.RemoveRange(from, output.Count - from);
                output.Add(new ModelToken(_unknown, Utf8.Length(piece)));
                break;
            }
            start += length;
        }
        scratch.Cache.Add(piece, CollectionsMarshal.AsSpan(output)[from..]);
    }

    private static int Emit(int id, int length, ReadOnlySpan<int> rest, List<ModelToken> output)
    {
        output.Add(new ModelToken(id, Utf8.Length(rest[..length])));
        return length;
    }
}
