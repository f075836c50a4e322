using System.Text;

namespace FedLora.Tokenizers.Models;

/// <summary>How a byte pair encoding treats what its vocabulary lacks, and whole words.</summary>
/// <param name="UnknownId">Id of the unknown token, or -1: unknown code points are left out.</param>
/// <param name="ContinuingPrefix">Put before every code point but the first, or empty.</param>
/// <param name="EndOfWordSuffix">Put behind the last code point, or empty.</param>
/// <param name="FuseUnknown">Neighbouring unknown code points are one token.</param>
/// <param name="ByteFallback">An unknown code point becomes the tokens <c>&lt;0xNN&gt;</c> of its bytes.</param>
/// <param name="IgnoreMerges">A piece that is an entry itself is that token, whatever the merges say.</param>
internal sealed record BpeOptions(int UnknownId, string ContinuingPrefix, string EndOfWordSuffix, bool FuseUnknown, bool ByteFallback, bool IgnoreMerges);

/// <summary>Byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909) over code points; byte-level with pieces in GPT-2's alphabet.</summary>
internal sealed class BpeModel : IModel
{
    private const int Direct = 0x400;
    private readonly MergeTable _merges;
    private readonly BpeOptions _options;
    private readonly bool _plain;
    private readonly int[] _direct = new int[Direct];
    private readonly Dictionary<int, int> _single = [];
    private readonly int[] _bytes = new int[256];

    public BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options)
    {
        (Vocabulary, _merges, _options) = (vocabulary, merges, options);
        _plain = options.ContinuingPrefix.Length == 0 && options.EndOfWordSuffix.Length == 0;
        Array.Fill(_direct, -1);
        foreach (var (token, id) in vocabulary.Entries)
        {
            if (Rune.TryGetRuneAt(token.Length == 0 ? "ab" : token, 0, out var rune) && rune.Utf16SequenceLength == token.Length)
                _single[rune.Value] = id;
        }
        foreach (var (rune, id) in _single.Where(entry => entry.Key < Direct))
            _direct[rune] = id;
        for (var b = 0; b < 256; b++)
            _bytes[b] = vocabulary.Find($"<0x{b:X2}>");
    }

    public Vocabulary Vocabulary { get; }

    public void Tokenize(ReadOnlySpan<int> piece, ModelScratch scratch, List<ModelToken> output)
    {
        var characters = scratch.Characters(piece);
        if (scratch.TryGetCached(characters, output))
            return;
        var from = output.Count;
        if (_options.IgnoreMerges && Vocabulary.Find(characters) is >= 0 and var whole)
        {
            output.Add(new ModelToken(whole, Utf8.Length(piece)));
        }
        else
        {
            scratch.Merge.Clear();
            AddSymbols(piece, scratch.Merge);
            scratch.Merge.Run(_merges, output);
        }
        scratch.Cache(characters, output, from);
    }

    private void AddSymbols(ReadOnlySpan<int> piece, MergeWorkspace word)
    {
        var unknownBytes = 0;
        for (var i = 0; i < piece.Length; i++)
        {
            var bytes = Utf8.Length(piece[i]);
            var symbol = _plain ? null : Decorated(piece[i], i == 0, i == piece.Length - 1);
            var id = symbol is null ? Find(piece[i]) : Vocabulary.Find(symbol);
            if (id >= 0)
            {
                Flush(word, ref unknownBytes);
                word.Add(id, bytes);
            }
            else if (!_options.ByteFallback || !AddBytes(symbol ?? char.ConvertFromUtf32(piece[i]), word))
            {
                if (_options.UnknownId < 0)
                    continue;
                if (!_options.FuseUnknown)
                    Flush(word, ref unknownBytes);
                unknownBytes += bytes;
            }
        }
        Flush(word, ref unknownBytes);
    }

    private void Flush(MergeWorkspace word, ref int unknownBytes)
    {
        if (unknownBytes > 0)
            word.Add(_options.UnknownId, unknownBytes);
        unknownBytes = 0;
    }

    // As in the library, an unknown token that is still open comes after these bytes.
    private bool AddBytes(string symbol, MergeWorkspace word)
    {
        var bytes = Encoding.UTF8.GetBytes(symbol);
        if (Array.Exists(bytes, b => _bytes[b] < 0))
            return false;
        foreach (var b in bytes)
            word.Add(_bytes[b], 1);
        return true;
    }

    private int Find(int rune) => rune < Direct ? _direct[rune] : _single.GetValueOrDefault(rune, -1);

    private string Decorated(int rune, bool first, bool last) =>
        (first ? "" : _options.ContinuingPrefix) + char.ConvertFromUtf32(rune) + (last ? _options.EndOfWordSuffix : "");
}
