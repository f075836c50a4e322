using FedLora.Simulations.Nodes;
using FedLora.Simulations.Scenarios;

namespace FedLora.Simulations.Data;

/// <summary>What is known of the examples that are dealt out.</summary>
/// <param name="Indices">Of those that nodes may have.</param>
/// <param name="Class">The class of an example, by index; null where examples have none.</param>
/// <param name="Site">The value of the field that natural sites go by, by index; null where none is named.</param>
public sealed record Deal(IReadOnlyList<int> Indices, Func<int, int>? Class, Func<int, string>? Site);

/// <summary>Deals examples out to nodes; the same for the same seed.</summary>
public static class Splitter
{
    /// <exception cref="FedLoraException"><c>split-impossible</c>: more nodes than examples, or than values of the field.</exception>
    public static Partition Split(SplitSpec spec, Deal deal, int nodes, ulong seed)
    {
        var order = deal.Indices.ToArray();
        if (order.Length == 0 || (nodes > order.Length && spec.PerNode == 0))
            throw Impossible($"{nodes} nodes cannot share {order.Length} examples",
                "fewer nodes, more examples, or split per_node, where nodes share examples");
        var random = new Random((int)Draw.Bits(seed, Draws.Data, 0));
        random.Shuffle(order);
        return spec.Kind switch
        {
            SplitKind.Dirichlet => ByLabel(spec, deal, order, nodes, random),
            SplitKind.Quantity => Partition.Cut(order, Dirichlet.Cut(order.Length, nodes, spec.Alpha, random)),
            SplitKind.Shards => Shards(spec, deal, order, nodes, random),
            SplitKind.Field => ByField(spec, deal, order, nodes),
            _ when spec.PerNode > 0 =>
                Partition.Windows(order, nodes, spec.PerNode, node => (int)(Draw.Bits(seed, Draws.View, node) % (ulong)order.Length)),
            _ => Partition.Cut(order, [.. Enumerable.Range(1, nodes).Select(node => (int)((long)order.Length * node / nodes))]),
        };
    }

    private static Partition ByLabel(SplitSpec spec, Deal deal, int[] order, int nodes, Random random)
    {
        var lists = Lists(nodes);
        foreach (var label in order.GroupBy(deal.Class!).OrderBy(group => group.Key))
        {
            var (members, ends) = (label.ToArray(), Dirichlet.Cut(label.Count(), nodes, spec.Alpha, random));
            for (var node = 0; node < nodes; node++)
                lists[node].AddRange(members[(node == 0 ? 0 : ends[node - 1])..ends[node]]);
        }

        return Partition.OfLists(lists);
    }

    private static Partition Shards(SplitSpec spec, Deal deal, int[] order, int nodes, Random random)
    {
        var sorted = order.OrderBy(deal.Class!).ToArray();
        var count = (long)nodes * spec.ShardsPerNode;
        if (count > sorted.Length)
            throw Impossible($"{nodes} nodes with {spec.ShardsPerNode} shards each want more shards than the {sorted.Length} examples make",
                "fewer nodes or shards_per_node");
        var shards = Enumerable.Range(0, (int)count).ToArray();
        random.Shuffle(shards);
        var lists = Lists(nodes);
        for (var i = 0; i < shards.Length; i++)
            lists[i % nodes]
                .AddRange(sorted[(int)(sorted.Length * (long)shards[i] / count)..(int)(sorted.Length * (shards[i] + 1L) / count)]);
        return Partition.OfLists(lists);
    }

    private static Partition ByField(SplitSpec spec, Deal deal, int[] order, int nodes)
    {
        var sites = order.GroupBy(deal.Site!, StringComparer.Ordinal).OrderByDescending(site => site.Count())
            .ThenBy(site => site.Key, StringComparer.Ordinal).ToList();
        if (sites.Count < nodes)
            throw Impossible($"the field '{spec.Field}' has {sites.Count} values, fewer than {nodes} nodes",
                $"at most {sites.Count} nodes");
        var lists = Lists(nodes);
        var smallest = new PriorityQueue<int, (int Count, int Node)>(Enumerable.Range(0, nodes).Select(node => (node, (0, node))));
        foreach (var site in sites)
        {
            var node = smallest.Dequeue();
            lists[node].AddRange(site);
            smallest.Enqueue(node, (lists[node].Count, node));
        }

        return Partition.OfLists(lists);
    }

    private static List<List<int>> Lists(int nodes) => [.. Enumerable.Range(0, nodes).Select(_ => new List<int>())];

    private static FedLoraException Impossible(string why, string hint) => new("split-impossible", why, $"write {hint}");
}
