namespace FedLora.Tokenizers.Models;

/// <summary>The tokens of pieces seen before. It begins anew when it is full, so that it follows the text.</summary>
internal sealed class PieceCache
{
    private const int LongestPiece = 64;
    private const int MostPieces = 1 << 15;
    private const int MostTokens = 1 << 19;
    private int[] _slots = new int[1 << 10];
    private Entry[] _entries = new Entry[1 << 9];
    private int[] _runes = new int[1 << 12];
    private ModelToken[] _tokens = new ModelToken[1 << 11];
    private int _count, _runeCount, _tokenCount;

    /// <summary>Adds the tokens of a piece to the output, if they are known.</summary>
    public bool TryGet(ReadOnlySpan<int> piece, List<ModelToken> output)
    {
        if (piece.Length > LongestPiece)
            return false;
        ref var slot = ref Find(piece, Hash(piece));
        if (slot == 0)
            return false;
        ref var entry = ref _entries[slot - 1];
        if (entry.TokenCount == 1)
            output.Add(_tokens[entry.Tokens]);
        else
            output.AddRange(_tokens.AsSpan(entry.Tokens, entry.TokenCount));
        return true;
    }

    /// <summary>Keeps the tokens of a piece that is not known.</summary>
    public void Add(ReadOnlySpan<int> piece, ReadOnlySpan<ModelToken> tokens)
    {
        if (piece.Length > LongestPiece)
            return;
        if (_count == MostPieces || _tokenCount > MostTokens)
            Clear();
        if (_count == _entries.Length)
            Grow();
        var hash = Hash(piece);
        Find(piece, hash) = _count + 1;
        _entries[_count++] = new Entry(hash, _runeCount, piece.Length, _tokenCount, tokens.Length);
        Append(ref _runes, ref _runeCount, piece);
        Append(ref _tokens, ref _tokenCount, tokens);
    }

    // The slot of a piece; 0 where it is not known.
    private ref int Find(ReadOnlySpan<int> piece, uint hash)
    {
        for (var i = hash & (_slots.Length - 1); ; i = (i + 1) & (_slots.Length - 1))
        {
            ref var slot = ref _slots[i];
            if (slot == 0)
                return ref slot;
            ref var entry = ref _entries[slot - 1];
            if (entry.Hash == hash && piece.SequenceEqual(_runes.AsSpan(entry.Runes, entry.RuneCount)))
                return ref slot;
        }
    }

    private static uint Hash(ReadOnlySpan<int> piece)
    {
        var hash = (ulong)piece.Length;
        foreach (var rune in piece)
            hash = (hash ^ (uint)rune) * 0x9E3779B97F4A7C15;
        return (uint)(hash >> 32);
    }

    private void Clear()
    {
        Array.Clear(_slots);
        (_count, _runeCount, _tokenCount) = (0, 0, 0);
    }

    private void Grow()
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _slots = new int[_slots.Length * 2];
        for (var i = 0; i < _count; i++)
            Find(_runes.AsSpan(_entries[i].Runes, _entries[i].RuneCount), _entries[i].Hash) = i + 1;
    }

    private static void Append<T>(ref T[] array, ref int count, ReadOnlySpan<T> items)
    {
        if (count + items.Length > array.Length)
            Array.Resize(ref array, Math.Max(count + items.Length, array.Length * 2));
        items.CopyTo(array.AsSpan(count));
        count += items.Length;
    }

    private readonly record struct Entry(uint Hash, int Runes, int RuneCount, int Tokens, int TokenCount);
}
