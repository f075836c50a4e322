using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// The coordinator is killed with -9 in each phase of a round and started again: the federation goes on, nothing acknowledged is lost.
/// </summary>
public sealed class KillTests
{
    private const uint Rounds = 2;

    // 6 MiB: more than the coordinator takes in before it acknowledges a part.
    private const int Modules = 96;
    private const long Part = 4 << 20;

    private static readonly CohortRules BothNodes = new() { Size = 2, Quorum = 2, MinNodes = 2, DeadlineSeconds = 600 };

    // What a run without any kill gives; two updates, so that their order does not matter to the sum.
    private static readonly Lazy<Task<string>> Undisturbed = new(() => RunAsync("never"));

    [Theory]
    [InlineData("created")]
    [InlineData("started")]
    [InlineData("tasks fetched")]
    [InlineData("half an update acknowledged")]
    [InlineData("one update acknowledged")]
    [InlineData("aggregating")]
    [InlineData("round committed")]
    public async Task Killed_and_started_again_the_federation_ends_with_the_same_adapter(string phase) =>
        Assert.Equal(await Undisturbed.Value, await RunAsync(phase));

    private static async Task<string> RunAsync(string killIn)
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        using var federation = await TestFederation.CreateAsync(coordinator, Rounds, Modules, BothNodes);
        var nodes = await federation.EnrolAsync(2);
        await Reached("created");
        await federation.StartAsync();
        await Reached("started");
        for (var round = 1u; round <= Rounds; round++)
        {
            // Only in the first round: the second then runs on what the kill has left.
            var first = round == 1;
            var tasks = await Task.WhenAll(nodes.Select(node => node.NextTaskAsync()));
            Assert.All(tasks, task => Assert.Equal(round, task.Round));
            if (first) await Reached("tasks fetched");
            var updates = await Task.WhenAll(nodes.Select((node, i) => TrainAsync(node, tasks[i])));
            if (first && killIn == "half an update acknowledged")
            {
                var half = await nodes[0].UploadAsync(TestNode.Header(tasks[0], updates[0]), updates[0], stopAfter: Part);
                Assert.InRange(half.Last.Received, Part, updates[0].Length - 1);
                await coordinator.KillAndStartAgainAsync();
                var rest = await UploadAsync(nodes[0], tasks[0], updates[0]);
                Assert.True(rest.First.Received >= half.Last.Received,
                    $"acknowledged {half.Last.Received}, found again {rest.First.Received}");
            }

            await UploadAsync(nodes[0], tasks[0], updates[0]);
            if (first && killIn == "one update acknowledged")
            {
                await coordinator.KillAndStartAgainAsync();
                Assert.True((await UploadAsync(nodes[0], tasks[0], updates[0])).First.Complete, "an acknowledged update was lost");
            }

            await UploadAsync(nodes[1], tasks[1], updates[1]);
            if (first) await Reached("aggregating");
            await federation.UntilAsync(view => view.RoundsDone >= round);
            if (first) await Reached("round committed");
        }

        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        for (var round = 1u; round <= Rounds; round++)
        {
            var (stored, replayed) = await federation.ReplayAsync(round);
            Assert.Equal(stored, replayed);
        }

        foreach (var node in nodes) node.Dispose();
        return end.Adapter.Sha256;

        async Task Reached(string phase)
        {
            if (phase == killIn) await coordinator.KillAndStartAgainAsync();
        }
    }

    private static async Task<byte[]> TrainAsync(TestNode node, TrainingTask task)
    {
        try
        {
            return node.Train(task, await node.FetchAsync(task));
        }
        catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable or StatusCode.NotFound)
        {
            // A coordinator that was started again offers adapters anew when it gives out the task anew: the same one.
            var again = await node.NextTaskAsync();
            Assert.Equal((task.Round, task.Attempt, task.Adapter.Sha256), (again.Round, again.Attempt, again.Adapter.Sha256));
            return node.Train(again, await node.FetchAsync(again));
        }
    }

    private static Task<(UpdateAck First, UpdateAck Last)> UploadAsync(TestNode node, TrainingTask task, byte[] update) =>
        TestNode.RetryAsync(() => node.UploadAsync(TestNode.Header(task, update), update));
}
