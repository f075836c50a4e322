using FedLora.Tokenizers.Normalizers;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers;

/// <summary>A token that is cut out of the text before anything else.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Only where no word character touches it.</param>
/// <param name="LeftStrip">White space before it belongs to it.</param>
/// <param name="RightStrip">White space behind it belongs to it.</param>
/// <param name="Normalized">Sought in the normalised text, itself normalised; else in the text as it came.</param>
/// <param name="Special">Left out by a decode that skips special tokens.</param>
public sealed record AddedToken(int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special);

/// <summary>Finds added tokens, leftmost first and the longest of those: first in the raw text, then in the normalised rest.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<int, string> _decoded = [];
    private readonly RuneTrie _raw = new();
    private readonly RuneTrie _normalized = new();
    private readonly INormalizer? _normalizer;

    public AddedTokens(IEnumerable<AddedToken> tokens, INormalizer? normalizer)
    {
        _normalizer = normalizer;
        foreach (var token in tokens)
        {
            _byId[token.Id] = token;
            if (!token.Normalized)
            {
                _raw.Add(token.Content, token.Id);
                continue;
            }
            var text = new AlignedText();
            text.Set(token.Content);
            normalizer?.Apply(text);
            var content = text.ToString();
            _decoded[token.Id] = content;
            if (content.Length > 0)
                _normalized.Add(content, token.Id);
        }
    }

    public IReadOnlyCollection<AddedToken> All => _byId.Values;

    public bool IsSpecial(int id) => _byId.TryGetValue(id, out var token) && token.Special;

    /// <summary>How an added token is spelt for decoding, or null.</summary>
    public string? Decoded(int id) => _decoded.TryGetValue(id, out var text) ? text : _byId.GetValueOrDefault(id)?.Content;

    /// <summary>Normalises a text and cuts the added tokens out.</summary>
    /// <param name="source">The text as it came.</param>
    /// <param name="segment">Working memory.</param>
    /// <param name="pieces">Takes the normalised text in pieces.</param>
    public void Extract(AlignedText source, AlignedText segment, PieceText pieces)
    {
        pieces.Clear();
        foreach (var (start, end, id) in Find(source, _raw))
        {
            segment.Set(source, start, end - start);
            if (id < 0)
                _normalizer?.Apply(segment);
            var offset = pieces.Text.Count;
            pieces.Text.Append(segment);
            if (id >= 0)
            {
                pieces.Add(new Piece(offset, segment.Count, id));
                continue;
            }
            foreach (var (from, to, inner) in Find(segment, _normalized))
                pieces.Add(new Piece(offset + from, to - from, inner));
        }
        pieces.CommitPieces();
    }

    private List<(int Start, int End, int Id)> Find(AlignedText text, RuneTrie trie)
    {
        var parts = new List<(int, int, int)>();
        var runes = text.Runes;
        var done = 0;
        for (var i = 0; !trie.IsEmpty && i < runes.Length;)
        {
            var id = -1;
            var length = trie.Starts.Contains(runes[i]) ? trie.LongestAt(runes[i..], out id) : 0;
            if (length == 0)
            {
                i++;
                continue;
            }
            var token = _byId[id];
            int start = i, end = i + length;
            i = end;
            if (token.SingleWord && (IsWord(runes, start - 1) || IsWord(runes, end)))
                continue;
            while (token.LeftStrip && start > done && UnicodeData.WhiteSpace.Contains(runes[start - 1]))
                start--;
            while (token.RightStrip && end < runes.Length && UnicodeData.WhiteSpace.Contains(runes[end]))
                end++;
            if (start > done)
                parts.Add((done, start, -1));
            parts.Add((Math.Max(start, done), end, id));
            done = end;
        }
        if (done < runes.Length)
            parts.Add((done, runes.Length, -1));
        return parts;
    }

    private static bool IsWord(ReadOnlySpan<int> runes, int index) =>
        (uint)index < (uint)runes.Length && UnicodeData.Word.Contains(runes[index]);
}
