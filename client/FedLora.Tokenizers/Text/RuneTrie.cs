namespace FedLora.Tokenizers.Text;

/// <summary>A prefix tree over code points: the longest entry that begins at a position, in one step per code point.</summary>
internal sealed class RuneTrie
{
    // For a node and a code point: the child, and the value of the entry that ends there or -1.
    private readonly PairTable _children = new();
    private readonly HashSet<int> _first = [];
    private int _nodes = 1;

    public RuneTrie() => Starts = new RuneSet(_first.Contains);

    public bool IsEmpty => _first.Count == 0;

    /// <summary>What entries begin with; to be asked only when all are added.</summary>
    public RuneSet Starts { get; }

    public void Add(string text, int value)
    {
        int node = 0, parent = -1, last = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (parent < 0)
                _first.Add(rune.Value);
            (parent, last) = (node, rune.Value);
            if (_children.TryGet(parent, last, out node, out _))
                continue;
            node = _nodes++;
            _children.Set(parent, last, node, -1);
        }
        if (parent >= 0)
            _children.Set(parent, last, node, value);
    }

    /// <summary>The length of the longest entry at the beginning of <paramref name="text"/>; 0 when there is none.</summary>
    public int LongestAt(ReadOnlySpan<int> text, out int value)
    {
        int node = 0, length = 0;
        value = -1;
        for (var i = 0; i < text.Length && _children.TryGet(node, text[i], out node, out var found); i++)
        {
            if (found >= 0)
                (length, value) = (i + 1, found);
        }
        return length;
    }
}
