namespace FedLora.Tokenizers.Text;

/// <summary>A prefix tree over code points: the longest entry that begins at a position, in one step per code point.</summary>
internal sealed class RuneTrie
{
    private readonly Dictionary<long, int> _children = [];
    private readonly List<int> _values = [-1];

    public bool IsEmpty => _values.Count == 1;

    public void Add(string text, int value)
    {
        var node = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var key = Key(node, rune.Value);
            if (!_children.TryGetValue(key, out var child))
            {
                child = _values.Count;
                _values.Add(-1);
                _children.Add(key, child);
            }
            node = child;
        }
        _values[node] = value;
    }

    /// <summary>The length of the longest entry at the beginning of <paramref name="text"/>; 0 when there is none.</summary>
    public int LongestAt(ReadOnlySpan<int> text, out int value)
    {
        int node = 0, length = 0;
        value = -1;
        for (var i = 0; i < text.Length && _children.TryGetValue(Key(node, text[i]), out node); i++)
        {
            if (_values[node] >= 0)
                (length, value) = (i + 1, _values[node]);
        }
        return length;
    }

    private static long Key(int node, int rune) => (long)node << 32 | (uint)rune;
}
