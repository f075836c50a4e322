using FedLora.Protocol.V1;

namespace FedLora.EndToEnd.Tests;

/// <summary>The coordinator's memory does not depend on the number of nodes.</summary>
public sealed class MemoryTests(ITestOutputHelper output)
{
    // 3 MiB for each update.
    private const int Modules = 48;

    [Fact]
    public async Task Two_hundred_updates_take_no_more_memory_than_four()
    {
        var few = await PeakAsync(4);
        var many = await PeakAsync(200);
        output.WriteLine($"resident at most {few:0} MiB with 4 updates, {many:0} MiB with 200");
        Assert.True(many < few + 64, $"resident at most {few:0} MiB with 4 updates, {many:0} MiB with 200");
    }

    /// <summary>Most memory, MiB, that a coordinator has over a round with so many updates.</summary>
    private static async Task<double> PeakAsync(int count)
    {
        await using var coordinator = await CoordinatorProcess.StartAsync();
        var rules = new CohortRules { Size = (uint)count, Quorum = (uint)count, MinNodes = (uint)count, DeadlineSeconds = 600 };
        using var federation = await TestFederation.CreateAsync(coordinator, rounds: 1, Modules, rules);
        var nodes = await federation.EnrolAsync(count);
        await federation.StartAsync();
        await Task.WhenAll(nodes.Select(node => node.PollAsync(waitSeconds: 1)));
        foreach (var node in nodes)
        {
            var task = await node.NextTaskAsync();
            var update = node.Train(task, await node.FetchAsync(task));
            await node.UploadAsync(TestNode.Header(task, update), update);
            node.Dispose();
        }

        await federation.UntilAsync(view => view.State == FederationState.Finished);
        return coordinator.PeakMemory();
    }
}
