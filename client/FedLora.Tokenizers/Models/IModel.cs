using System.Text;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers.Models;

/// <summary>A token of a piece: its id, and how many UTF-8 bytes of the piece it takes.</summary>
internal readonly record struct ModelToken(int Id, int Bytes);

/// <summary>Turns a piece into tokens. One instance serves many threads; what changes is in the caller's scratch.</summary>
internal interface IModel
{
    Vocabulary Vocabulary { get; }

    /// <summary>Adds the tokens of a piece that is not empty.</summary>
    void Tokenize(ReadOnlySpan<int> piece, ModelScratch scratch, List<ModelToken> output);
}

/// <summary>One thread's working memory and cache of pieces already tokenised.</summary>
internal sealed class ModelScratch
{
    private char[] _characters = new char[256];
    private byte[] _bytes = new byte[256];

    public MergeWorkspace Merge { get; } = new();

    public PieceCache Cache { get; } = new();

    /// <summary>The piece as UTF-16, valid until the next call.</summary>
    public ReadOnlySpan<char> Characters(ReadOnlySpan<int> piece)
    {
        if (_characters.Length < piece.Length * 2)
            _characters = new char[piece.Length * 4];
        var count = 0;
        foreach (var rune in piece)
        {
            if (rune < 0x10000)
            {
                _characters[count++] = (char)rune;
            }
            else
            {
                _characters[count++] = (char)(0xD7C0 + (rune >> 10));
                _characters[count++] = (char)(0xDC00 + (rune & 0x3FF));
            }
        }
        return _characters.AsSpan(0, count);
    }

    /// <summary>The piece as UTF-8, valid until the next call.</summary>
    public ReadOnlySpan<byte> Bytes(ReadOnlySpan<int> piece)
    {
        if (_bytes.Length < piece.Length * 4)
            _bytes = new byte[piece.Length * 8];
        var count = 0;
        foreach (var rune in piece)
        {
            if (rune < 0x80)
                _bytes[count++] = (byte)rune;
            else
                count += new Rune(rune).EncodeToUtf8(_bytes.AsSpan(count));
        }
        return _bytes.AsSpan(0, count);
    }

    /// <summary>The piece's bytes in GPT-2's alphabet, valid until the next call.</summary>
    public ReadOnlySpan<char> ByteCharacters(ReadOnlySpan<int> piece)
    {
        var bytes = Bytes(piece);
        if (_characters.Length < bytes.Length)
            _characters = new char[bytes.Length * 2];
        for (var i = 0; i < bytes.Length; i++)
            _characters[i] = (char)ByteAlphabet.Character(bytes[i]);
        return _characters.AsSpan(0, bytes.Length);
    }
}

/// <summary>Token strings and their ids, both ways.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly string?[] _tokens;

    public Vocabulary(Dictionary<string, int> ids)
    {
        _ids = ids;
        _tokens = new string?[ids.Count == 0 ? 0 : ids.Values.Max() + 1];
        foreach (var (token, id) in ids)
            _tokens[id] = token;
    }

    /// <summary>Number of entries.</summary>
    public int Count => _ids.Count;

    /// <summary>The largest id plus one.</summary>
    public int Size => _tokens.Length;

    public IEnumerable<KeyValuePair<string, int>> Entries => _ids;

    public int Find(string token) => _ids.GetValueOrDefault(token, -1);

    public int Find(ReadOnlySpan<char> token) => _ids.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var id) ? id : -1;

    public string? Token(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;
}

/// <summary>Lengths in UTF-8.</summary>
internal static class Utf8
{
    public static int Length(int rune) => rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;

    public static int Length(ReadOnlySpan<int> runes)
    {
        var length = 0;
        foreach (var rune in runes)
            length += Length(rune);
        return length;
    }
}
