namespace FedLora.Simulations.Data;

/// <summary>What a split looks like: sizes and labels, shown before anything runs.</summary>
/// <param name="Nodes">How many.</param>
/// <param name="Least">Examples of the smallest node.</param>
/// <param name="Median">Of the middle one.</param>
/// <param name="Most">Of the largest.</param>
/// <param name="Few">Nodes with fewer examples than the scenario calls enough; some of them may have none.</param>
/// <param name="Empty">Nodes without any: they take no part.</param>
/// <param name="Labels">The labels' names; empty where examples have none.</param>
/// <param name="Rows">The first nodes, with how many examples of each label they have.</param>
public sealed record SplitSummary(int Nodes, int Least, int Median, int Most, int Few, int Empty, IReadOnlyList<string> Labels,
    IReadOnlyList<SplitRow> Rows)
{
    private const int Shown = 50;

    internal static SplitSummary Of(Partition partition, IReadOnlyList<string> labels, Func<int, int>? classOf, int few,
        Func<int, string> nameOf)
    {
        var sizes = Enumerable.Range(0, partition.Nodes).Select(partition.CountOf).Order().ToArray();
        return new(partition.Nodes, sizes[0], sizes[sizes.Length / 2], sizes[^1], sizes.Count(size => size < few),
            sizes.Count(size => size == 0), labels,
            [.. Enumerable.Range(0, Math.Min(Shown, partition.Nodes))
                .Select(node => new SplitRow(nameOf(node), partition.CountOf(node), Counts(partition.Of(node), labels.Count, classOf)))]);
    }

    private static int[] Counts(IReadOnlyList<int> examples, int labels, Func<int, int>? classOf)
    {
        var counts = new int[classOf is null ? 0 : labels];
        foreach (var example in classOf is null ? [] : examples)
            counts[classOf!(example)]++;
        return counts;
    }
}

/// <summary>One node's share.</summary>
public sealed record SplitRow(string Node, int Examples, IReadOnlyList<int> Labels);
