using FedLora.Simulations.Data;
using FedLora.Simulations.Scenarios;

namespace FedLora.Simulations.Tests.Data;

public sealed class SplitterTests
{
    private const int Examples = 900;
    private static readonly Deal Deal = new([.. Enumerable.Range(0, Examples)], example => example % 3,
        example => $"site-{Math.Min(11, example % 20)}");

    public static TheoryData<SplitKind> Kinds => [.. Enum.GetValues<SplitKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_example_is_dealt_once_and_the_same_for_the_same_seed(SplitKind kind)
    {
        var spec = new SplitSpec { Kind = kind, Alpha = 0.3, Field = "site" };
        var (one, other) = (All(Splitter.Split(spec, Deal, 9, 4)), All(Splitter.Split(spec, Deal, 9, 4)));
        Assert.Equal(Enumerable.Range(0, Examples), one.SelectMany(node => node).Order());
        Assert.Equal(one, other);
        // Natural sites are what they are.
        if (kind != SplitKind.Field)
            Assert.NotEqual(one, All(Splitter.Split(spec, Deal, 9, 5)));
    }

    [Fact]
    public void A_smaller_alpha_skews_labels_more()
    {
        Assert.True(Skew(0.1) > Skew(1) && Skew(1) > Skew(100));

        static double Skew(double alpha)
        {
            var nodes = All(Splitter.Split(new() { Kind = SplitKind.Dirichlet, Alpha = alpha }, Deal, 9, 1)).Where(node => node.Length > 0);
            return nodes.Average(
                node => Enumerable.Range(0, 3).Max(label => node.Count(example => example % 3 == label) / (double)node.Length));
        }
    }

    [Fact]
    public void Equal_shares_are_equal_and_skewed_sizes_are_not()
    {
        Assert.All(All(Splitter.Split(new(), Deal, 9, 1)), node => Assert.Equal(100, node.Length));
        var sizes = All(Splitter.Split(new() { Kind = SplitKind.Quantity, Alpha = 0.5 }, Deal, 9, 1)).Select(node => node.Length).ToList();
        Assert.True(sizes.Max() > 3 * sizes.Min());
    }

    [Fact]
    public void Shards_give_few_labels_to_each() =>
        Assert.All(All(Splitter.Split(new() { Kind = SplitKind.Shards, ShardsPerNode = 1 }, Deal, 9, 1)),
            node => Assert.Single(node.Select(example => example % 3).Distinct()));

    [Fact]
    public void Natural_sites_stay_whole()
    {
        var nodes = All(Splitter.Split(new() { Kind = SplitKind.Field, Field = "site" }, Deal, 5, 1));
        foreach (var site in Enumerable.Range(0, 12))
            Assert.Single(nodes, node => node.Any(example => Math.Min(11, example % 20) == site));
        Assert.Contains("12 values, fewer than 13 nodes",
            Assert.Throws<FedLoraException>(() => Splitter.Split(new() { Kind = SplitKind.Field, Field = "site" }, Deal, 13, 1)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_may_overlap_and_have_their_length()
    {
        var nodes = All(Splitter.Split(new() { PerNode = 50 }, Deal, 5000, 1));
        Assert.All(nodes, node => Assert.Equal((50, 50), (node.Length, node.Distinct().Count())));
    }

    [Fact]
    public void Nodes_with_few_examples_are_reported()
    {
        var summary = SplitSummary.Of(Splitter.Split(new() { Kind = SplitKind.Quantity, Alpha = 0.05 }, Deal, 60, 1), ["a", "b", "c"],
            Deal.Class, 8, node => $"n{node}");
        Assert.True(summary.Few >= summary.Empty && summary.Empty > 0);
        Assert.All(summary.Rows, row => Assert.Equal(row.Examples, row.Labels.Sum()));
    }

    private static int[][] All(Partition partition) =>
        [.. Enumerable.Range(0, partition.Nodes).Select(node => partition.Of(node).ToArray())];
}
