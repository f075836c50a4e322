using FedLora.Tokenizers.Text;

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
        _symbols[_count] = new Symbol { Id = id, Bytes = bytes, Previous = _count - 1, Next = -1, Rank = -1 };
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
            if (symbol.Rank != (int)(top >> 32))
                continue;
            ref var right = ref _symbols[symbol.Next];
            symbol.Id = symbol.Merged;
            symbol.Bytes += right.Bytes;
            symbol.Next = right.Next;
            (right.Bytes, right.Rank) = (0, -1);
            if (symbol.Next >= 0)
                _symbols[symbol.Next].Previous = position;
            if (symbol.Previous >= 0)
                Offer(merges, symbol.Previous);
            Offer(merges, position);
        }
        for (var i = 0; i >= 0 && i < _count; i = _symbols[i].Next)
            output.Add(new ModelToken(_symbols[i].Id, _symbols[i].Bytes));
    }

    private void Offer(MergeTable merges, int position)
    {
        ref var symbol = ref _symbols[position];
        symbol.Rank = -1;
        if (symbol.Next < 0 || !merges.TryFind(symbol.Id, _symbols[symbol.Next].Id, out var rank, out symbol.Merged))
            return;
        symbol.Rank = rank;
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

        // Of its merge with the next symbol: the rank, or -1 when there is none, and the resulting id.
        public int Rank;
        public int Merged;
    }
}

/// <summary>The merges of a byte pair encoding: for a pair of ids the rank of its merge and the id of the result.</summary>
internal sealed class MergeTable(int capacity)
{
    private readonly PairTable _merges = new(capacity);
    private readonly List<int> _results = new(capacity);

    /// <summary>The ids that merges make.</summary>
    public IReadOnlyList<int> Results => _results;

    /// <summary>Adds the merge of the next rank.</summary>
    public void Add(int left, int right, int result)
    {
        _merges.Set(left, right, _results.Count, result);
        _results.Add(result);
    }

    public bool TryFind(int left, int right, out int rank, out int result) => _merges.TryGet(left, right, out rank, out result);
}
