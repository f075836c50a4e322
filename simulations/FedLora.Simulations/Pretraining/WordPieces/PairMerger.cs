namespace FedLora.Simulations.Pretraining.WordPieces;

/// <summary>Words as lists of pieces, with the counts of all neighbouring pairs kept up to date as pairs are merged.</summary>
internal sealed class PairMerger
{
    private readonly List<(int[] Pieces, long Count)> _words = [];
    private readonly Dictionary<(int, int), long> _counts = [];
    private readonly Dictionary<(int, int), HashSet<int>> _places = [];

    // The best first: highest count, then lowest ids. Entries out of date are dropped or renewed when they come up.
    private readonly PriorityQueue<(int Left, int Right, long Count), (long, int, int)> _queue = new();
    private bool _queued;

    public void AddWord(int[] pieces, long count)
    {
        _words.Add((pieces, count));
        Count(_words.Count - 1, +1);
    }

    /// <summary>The pair with the highest count; none when every word is one piece.</summary>
    public bool TryTakeBest(out int left, out int right)
    {
        if (!_queued)
        {
            foreach (var pair in _counts.Keys)
                Enqueue(pair);
            _queued = true;
        }
        while (_queue.TryDequeue(out var top, out _))
        {
            var pair = (top.Left, top.Right);
            if (_counts.GetValueOrDefault(pair) is var count && count == top.Count && count > 0)
            {
                (left, right) = pair;
                return true;
            }
        }
        (left, right) = (-1, -1);
        return false;
    }

    /// <summary>Replaces the pair by a piece in every word.</summary>
    public void Merge(int left, int right, int result)
    {
        var changed = new HashSet<(int, int)>();
        foreach (var index in _places[(left, right)].Order().ToArray())
        {
            changed.UnionWith(Count(index, -1));
            var (pieces, count) = _words[index];
            _words[index] = (Replace(pieces, left, right, result), count);
            changed.UnionWith(Count(index, +1));
        }
        _counts.Remove((left, right));
        _places.Remove((left, right));
        foreach (var pair in changed)
            Enqueue(pair);
    }

    private HashSet<(int, int)> Count(int index, int sign)
    {
        var (pieces, count) = _words[index];
        var touched = new HashSet<(int, int)>();
        for (var i = 0; i + 1 < pieces.Length; i++)
        {
            var pair = (pieces[i], pieces[i + 1]);
            touched.Add(pair);
            _counts[pair] = _counts.GetValueOrDefault(pair) + sign * count;
            if (sign > 0)
            {
                if (!_places.TryGetValue(pair, out var places))
                    _places[pair] = places = [];
                places.Add(index);
            }
            else
            {
                _places[pair].Remove(index);
            }
        }
        return touched;
    }

    private void Enqueue((int Left, int Right) pair)
    {
        var count = _counts.GetValueOrDefault(pair);
        if (count > 0)
            _queue.Enqueue((pair.Left, pair.Right, count), (-count, pair.Left, pair.Right));
    }

    private static int[] Replace(int[] pieces, int left, int right, int result)
    {
        var merged = new List<int>(pieces.Length);
        for (var i = 0; i < pieces.Length; i++)
        {
            if (pieces[i] == left && i + 1 < pieces.Length && pieces[i + 1] == right)
            {
                merged.Add(result);
                i++;
            }
            else
            {
                merged.Add(pieces[i]);
            }
        }
        return [.. merged];
    }
}
