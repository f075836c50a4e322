using System.Runtime.InteropServices;
using System.Text;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Models;

/// <summary>How a byte pair encoding treats what its vocabulary lacks, and whole words.</summary>
/// <param name="UnknownId">Id of the unknown token, or -1: unknown code points are left out.</param>
/// <param name="ContinuingPrefix">Put before every code point but the first, or empty.</param>
/// <param name="EndOfWordSuffix">Put behind the last code point, or empty.</param>
/// <param name="FuseUnknown">Neighbouring unknown code points are one token.</param>
/// <param name="ByteFallback">An unknown code point becomes the tokens <c>&lt;0xNN&gt;</c> of its bytes.</param>
/// <param name="IgnoreMerges">A piece that is an entry itself is that token, whatever the merges say.</param>
internal sealed record BpeOptions(int UnknownId, string ContinuingPrefix, string EndOfWordSuffix, bool FuseUnknown, bool ByteFallback,
    bool IgnoreMerges);

/// <summary>
/// Byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909) over code points; byte-level with pieces in GPT-2's alphabet, or
/// (<c>bytes</c>) with pieces of plain text, whose UTF-8 bytes it takes itself.
/// </summary>
internal sealed class BpeModel : IModel
{
    private readonly MergeTable _merges;
    private readonly BpeOptions _options;
    private readonly bool _plain;
    private readonly bool _takesBytes;
    private readonly RuneTable<int> _single;
    private readonly CodePointPairs? _pairs;
    private readonly int[] _bytes = new int[256];

    public BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options, bool takesBytes = false)
    {
        (Vocabulary, _merges, _options, _takesBytes) = (vocabulary, merges, options, takesBytes);
        _plain = options.ContinuingPrefix.Length == 0 && options.EndOfWordSuffix.Length == 0;
        var single = new Dictionary<int, int>();
        foreach (var (token, id) in vocabulary.Entries)
        {
            if (Rune.TryGetRuneAt(token.Length == 0 ? "ab" : token, 0, out var rune) && rune.Utf16SequenceLength == token.Length)
                single[rune.Value] = id;
        }
        _single = new RuneTable<int>(rune => single.GetValueOrDefault(rune, -1));
        for (var b = 0; b < 256; b++)
            _bytes[b] = takesBytes ? _single[ByteAlphabet.Character((byte)b)] : vocabulary.Find($"<0x{b:X2}>");
        if (_plain && !takesBytes && !options.IgnoreMerges)
            _pairs = new CodePointPairs(merges.Results.Select(id => vocabulary.Token(id)!));
    }

    public Vocabulary Vocabulary { get; }

    /// <summary>
    /// The same model for pieces whose bytes have not been made GPT-2's characters yet; null where that would not be the same: a byte that
    /// the vocabulary lacks is left out, and moves the offsets of what follows by the length of its character.
    /// </summary>
    public BpeModel? TakingBytes() =>
        _plain && !_options.ByteFallback && Enumerable.Range(0, 256).All(b => _single[ByteAlphabet.Character((byte)b)] >= 0)
            ? new BpeModel(Vocabulary, _merges, _options, takesBytes: true) : null;

    public void Tokenize(ReadOnlySpan<int> piece, ModelScratch scratch, List<ModelToken> output)
    {
        var start = 0;
        for (var i = 1; _pairs is not null && i < piece.Length; i++)
        {
            // Next to an unknown code point nothing is cut: it may become bytes, or one token with unknown neighbours.
            if (_pairs.Contains(piece[i - 1], piece[i]) || _single[piece[i - 1]] < 0 || _single[piece[i]] < 0)
                continue;
            TokenizePart(piece[start..i], scratch, output);
            start = i;
        }
        TokenizePart(piece[start..], scratch, output);
    }

    private void TokenizePart(ReadOnlySpan<int> part, ModelScratch scratch, List<ModelToken> output)
    {
        if (scratch.Cache.TryGet(part, output))
            return;
        var from = output.Count;
        if (_options.IgnoreMerges
            && Vocabulary.Find(_takesBytes ? scratch.ByteCharacters(part) : scratch.Characters(part)) is >= 0 and var whole)
        {
            output.Add(new ModelToken(whole, Utf8.Length(part)));
        }
        else
        {
            scratch.Merge.Clear();
            if (_takesBytes)
                AddByteSymbols(part, scratch);
            else
                AddSymbols(part, scratch.Merge);
            scratch.Merge.Run(_merges, output);
        }
        scratch.Cache.Add(part, CollectionsMarshal.AsSpan(output)[from..]);
    }

    private void AddByteSymbols(ReadOnlySpan<int> piece, ModelScratch scratch)
    {
        foreach (var b in scratch.Bytes(piece))
            scratch.Merge.Add(_bytes[b], 1);
    }

    private void AddSymbols(ReadOnlySpan<int> piece, MergeWorkspace word)
    {
        var unknownBytes = 0;
        for (var i = 0; i < piece.Length; i++)
        {
            var symbol = _plain ? null : Decorated(piece[i], i == 0, i == piece.Length - 1);
            var id = symbol is null ? _single[piece[i]] : Vocabulary.Find(symbol);
            if (id >= 0 || !_options.ByteFallback || !AddBytes(symbol ?? char.ConvertFromUtf32(piece[i]), word))
                AddSymbol(id, Utf8.Length(piece[i]), word, ref unknownBytes);
        }
        Flush(word, ref unknownBytes);
    }

    private void AddSymbol(int id, int bytes, MergeWorkspace word, ref int unknownBytes)
    {
        if (id < 0 && _options.UnknownId < 0)
            return;
        if (id >= 0 || !_options.FuseUnknown)
            Flush(word, ref unknownBytes);
        if (id >= 0)
            word.Add(id, bytes);
        else
            unknownBytes += bytes;
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

    private string Decorated(int rune, bool first, bool last) =>
        (first ? "" : _options.ContinuingPrefix) + char.ConvertFromUtf32(rune) + (last ? _options.EndOfWordSuffix : "");
}
