using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Simulations.Trainers;
using FedLora.Training.Data;
using FedLora.Training.Optimization;
using FedLora.Training.Privacy;
using FedLora.Training.Running;

namespace FedLora.Simulations.Tests.Trainers;

public sealed class GroupingTests
{
    [Theory]
    [InlineData(0, 4, 32, 16)]
    [InlineData(0, 16, 32, 8)]
    [InlineData(0, 64, 32, 1)]
    [InlineData(1, 4, 32, 1)]
    [InlineData(3, 64, 32, 3)]
    public void So_many_go_together_as_their_steps_are_small(int asked, int batch, int tokens, int together) =>
        Assert.Equal(together, Grouping.NodesAtOnce(asked, [Node(batch, tokens), Node(batch, tokens)], Rows));

    [Fact]
    public void Private_steps_are_made_alone_unless_it_is_asked_for()
    {
        var plain = Node(4, 32);
        var node = plain with { Task = plain.Task with { Privacy = new PrivateTerms(1, 0.1, 1) } };
        Assert.Equal((1, 5), (Grouping.NodesAtOnce(0, [node, node], Rows), Grouping.NodesAtOnce(5, [node, node], Rows)));
    }

    [Fact]
    public void Whose_optimiser_goes_on_is_trained_alone()
    {
        var node = Node(4, 32);
        Assert.Equal(1, Grouping.NodesAtOnce(4, [node, node with { Task = node.Task with { Recalled = OptimizerMemory.Empty } }],
            Rows));
    }

    private static int Rows(Example example) => example.Tokens.Length;

    private static CohortNode Node(int batch, int tokens)
    {
        var layout = new AdapterLayout([new AdapterModule("m", 4, 4)], 1, 1, [], false);
        return new(new LocalTask(new NodeStart(AdapterState.Empty, layout), Factors.A, new TrainingSpec { BatchSize = batch }),
            [.. Enumerable.Repeat(new Example(new int[tokens]), 64)]);
    }
}
