using System.Collections;

namespace FedLora.Simulations.Data;

/// <summary>Which examples each node has: eight bytes a node, whatever it has.</summary>
public sealed class Partition
{
    private readonly int[] _order;
    private readonly int[] _starts;
    private readonly int[] _counts;

    private Partition(int[] order, int[] starts, int[] counts) => (_order, _starts, _counts) = (order, starts, counts);

    public int Nodes => _counts.Length;

    /// <summary>Examples of a node.</summary>
    public int CountOf(int node) => _counts[node];

    /// <summary>The indices of a node's examples; a view.</summary>
    public IReadOnlyList<int> Of(int node) => new View(_order, _starts[node], _counts[node]);

    /// <summary>Pieces of one order, one after the other, ending at <paramref name="ends"/>.</summary>
    internal static Partition Cut(int[] order, int[] ends)
    {
        var starts = ends.Select((_, i) => i == 0 ? 0 : ends[i - 1]).ToArray();
        return new(order, starts, [.. ends.Select((end, i) => end - starts[i])]);
    }

    /// <summary>The same number of examples for each node, from drawn places on; nodes may share them.</summary>
    internal static Partition Windows(int[] order, int nodes, int count, Func<int, int> start) =>
        new(order, [.. Enumerable.Range(0, nodes).Select(start)], [.. Enumerable.Repeat(count, nodes)]);

    /// <summary>Each node's own list, in the order of the data: as a site's own file would have it.</summary>
    internal static Partition OfLists(IReadOnlyList<List<int>> lists)
    {
        foreach (var list in lists)
            list.Sort();
        var (ends, sum) = (new int[lists.Count], 0);
        for (var i = 0; i < ends.Length; i++)
            ends[i] = sum += lists[i].Count;
        return Cut([.. lists.SelectMany(list => list)], ends);
    }

    // Goes on at the beginning where it passes the end.
    private sealed class View(int[] order, int start, int count) : IReadOnlyList<int>
    {
        public int Count => count;

        public int this[int index] =>
            index < count ? order[(start + index) % order.Length] : throw new ArgumentOutOfRangeException(nameof(index));

        public IEnumerator<int> GetEnumerator()
        {
            for (var i = 0; i < count; i++)
                yield return this[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
