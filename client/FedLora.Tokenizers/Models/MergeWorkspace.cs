namespace FedLora.Tokenizers.Models;

/// <summary>
/// The symbols of one piece as a linked list, and a heap of the merges that are possible: lowest rank first, leftmost on ties.
/// n symbols take O(n log n).
/// </summary>
internal sealed class MergeWorkspace
{
    private Symbol[] _symbols = new Symbol[64];
    private long[] _heap = new long[64];
    private int _count;
    private int _heapCount;

    public void Clear() => _count = 0;

    public void Add(int id, int bytes)
    {
        if (_count == _symbols.Length)
            Array.Resize(ref _symbols, _count * 2);
        if (_count > 0)
            _symbols[_count - 1].Next = _count;
        _symbols[_count] = new Symbol { Id = id, Bytes = bytes, Previous = _count - 1, Next = -1 };
        _count++;
    }

    /// <summary>Merges as long as a merge is known, then adds what is left to the output.</summary>
    public void Run(MergeTable merges, List<ModelToken> output)
    {
        _heapCount = 0;
        for (var i = 0; i + 1 < _count; i++)
            Offer(merges, i);
        while (_heapCount > 0)
        {
            var top = Pop();
            var position = (int)top;
            ref var symbol = ref _symbols[position];
            // An entry may be out of date: its symbols gone, or merged with others since.
            if (symbol.Bytes == 0 || symbol.Next < 0)
                continue;
            var right = _symbols[symbol.Next];
            var result = merges.ResultOf((int)(top >> 32));
            if (!merges.TryFind(symbol.Id, right.Id, out var rank) || merges.ResultOf(rank) != result)
                continue;
            _symbols[symbol.Next].Bytes = 0;
            symbol.Id = result;
            symbol.Bytes += right.Bytes;
            symbol.Next = right.Next;
            if (right.Next >= 0)
                _symbols[right.Next].Previous = position;
            if (symbol.Previous >= 0)
                Offer(merges, symbol.Previous);
            Offer(merges, position);
        }
        for (var i = 0; i < _count; i++)
        {
            if (_symbols[i].Bytes > 0)
                output.Add(new ModelToken(_symbols[i].Id, _symbols[i].Bytes));
        }
    }

    private void Offer(MergeTable merges, int position)
    {
        var next = _symbols[position].Next;
        if (next >= 0 && merges.TryFind(_symbols[position].Id, _symbols[next].Id, out var rank))
            Push((long)rank << 32 | (uint)position);
    }

    private void Push(long key)
    {
        if (_heapCount == _heap.Length)
            Array.Resize(ref _heap, _heapCount * 2);
        var i = _heapCount++;
        for (; i > 0 && _heap[(i - 1) >> 1] > key; i = (i - 1) >> 1)
            _heap[i] = _heap[(i - 1) >> 1];
        _heap[i] = key;
    }

    private long Pop()
    {
        var top = _heap[0];
        var last = _heap[--_heapCount];
        var i = 0;
        for (var child = 1; child < _heapCount; child = 2 * i + 1)
        {
            if (child + 1 < _heapCount && _heap[child + 1] < _heap[child])
                child++;
            if (_heap[child] >= last)
                break;
            _heap[i] = _heap[child];
            i = child;
        }
        _heap[i] = last;
        return top;
    }

    private struct Symbol
    {
        public int Id;
        public int Bytes;
        public int Previous;
        public int Next;
    }
}

/// <summary>The merges of a byte pair encoding: for a pair of ids its rank, for a rank the id of the result.</summary>
internal sealed class MergeTable(int capacity)
{
    private readonly Dictionary<long, int> _ranks = new(capacity);
    private readonly List<int> _results = new(capacity);

    public int Count => _results.Count;

    public void Add(int left, int right, int result)
    {
        _ranks[Key(left, right)] = _results.Count;
        _results.Add(result);
    }

    public bool TryFind(int left, int right, out int rank) => _ranks.TryGetValue(Key(left, right), out rank);

    public int ResultOf(int rank) => _results[rank];

    private static long Key(int left, int right) => (long)left << 32 | (uint)right;
}
