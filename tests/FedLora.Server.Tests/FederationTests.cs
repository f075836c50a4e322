using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Server.Tests;

public class FederationTests
{
    [Theory]
    [InlineData("fedit")]
    [InlineData("ffa-lora")]
    [InlineData("fedsvd")]
    [InlineData("flora")]
    [InlineData("fedex-lora")]
    [InlineData("rolora")]
    public async Task Three_nodes_finish_a_federation_and_every_round_replays(string method)
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(3);
        using var end = new CancellationTokenSource();
        var trainers = new[] { new FakeTrainer(0.1f), new FakeTrainer(0.2f), new FakeTrainer(0.6f) };
        var nodes = trainers.Select((trainer, i) => bench.RunNodeAsync($"node-{i}", token, trainer, end.Token)).ToArray();

        await bench.StartFederationAsync(Bench.Define(method, rounds: 3, nodes: 3));
        var view = await bench.UntilAsync(view => view.State == FederationState.Finished);

        Assert.Equal(3u, view.RoundsDone);
        Assert.All(view.Rounds, round => Assert.Equal(3u, round.Updates));
        Assert.All(trainers, trainer => Assert.Equal([1u, 2u, 3u], trainer.Trained));
        for (var round = 1u; round <= 3; round++)
        {
            var replay = await bench.Operator.Admin.ReplayRoundAsync(new ReplayRoundRequest { Federation = "test", Round = round },
                bench.Operator.Options(default));
            Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
            Assert.Equal(view.Rounds[(int)round - 1].AdapterSha256, replay.StoredSha256);
        }
        await end.CancelAsync();
        await Task.WhenAll(nodes);
    }

    [Theory]
    [InlineData("fedit", "krum", 0)]
    [InlineData("ffa-lora", "krum", 0)]
    [InlineData("fedit", "median", 0)]
    [InlineData("fedit", "trimmed-mean", 0)]
    [InlineData("fedit", "none", 2)]
    public async Task A_hostile_node_moves_the_adapter_no_further_than_the_rule_lets_it(string method, string rule, double bound)
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(5);
        using var end = new CancellationTokenSource();
        float[] steps = [0.2f, 0.21f, 0.19f, 0.2f, 100];
        var nodes = steps.Select((step, i) => bench.RunNodeAsync($"node-{i}", token, new FakeTrainer(step), end.Token)).ToArray();
        var definition = Bench.Define(method, rounds: 1, nodes: 5);
        definition.Cohort.Quorum = 5;
        definition.Robust = new Robust { Rule = rule, Outliers = 1, NormBound = bound };
        await bench.StartFederationAsync(definition);
        var view = await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(5u, view.Rounds.Single().Updates);

        var (before, after) = (await bench.AdapterAsync(0), await bench.AdapterAsync(1));
        var change = after.Zip(before).SelectMany(pair => pair.First.Values.Zip(pair.Second.Values, (a, b) => a - b)).ToList();
        // Entries of factors that are not sent do not move. The norm of 0.2 in every entry is 1.3, and what counts of the fifth node's 2.
        Assert.All(change, moved => Assert.InRange(moved, 0, bound > 0 ? 0.24f : 0.21f));
        Assert.Contains(change, moved => moved > 0.15f);
        var events = new List<EventView>();
        using var call = bench.Operator.Upkeep.ListEvents(new ListEventsRequest { Federation = "test" }, bench.Operator.Options(default));
        await foreach (var one in call.ResponseStream.ReadAllAsync())
            events.Add(one);
        Assert.Equal(rule == "krum" ? 1 : 0, events.Count(one => one.Event == "LeftOut"));
        Assert.Equal(bound > 0 ? 1 : 0, events.Count(one => one.Event == "Bounded"));
        var replay = await bench.Operator.Admin.ReplayRoundAsync(new ReplayRoundRequest { Federation = "test", Round = 1 },
            bench.Operator.Options(default));
        Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
        await end.CancelAsync();
        await Task.WhenAll(nodes);
    }

    [Theory]
    [InlineData("fedit", "add", "f32")]
    [InlineData("fedit", "fedadam", "f32")]
    [InlineData("ffa-lora", "fedadam", "bf16")]
    [InlineData("fedsvd", "add", "int8")]
    [InlineData("rolora", "add", "f32")]
    public async Task Sparse_rounds_finish_and_replay(string method, string optimizer, string values)
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(2);
        using var end = new CancellationTokenSource();
        var nodes = new[]
        {
            bench.RunNodeAsync("a", token, new FakeTrainer(0.1f), end.Token),
            bench.RunNodeAsync("b", token, new FakeTrainer(0.3f), end.Token),
        };
        var definition = Bench.Define(method, rounds: 3, nodes: 2);
        definition.Communication = new Communication
        {
            Down = 0.5,
            Up = 0.25,
            Values = values,
            ServerOptimizer = optimizer,
            ErrorFeedback = method != "fedsvd",
        };
        await bench.StartFederationAsync(definition);
        var view = await bench.UntilAsync(view => view.State == FederationState.Finished);

        for (var round = 1u; round <= 3; round++)
        {
            var replay = await bench.Operator.Admin.ReplayRoundAsync(new ReplayRoundRequest { Federation = "test", Round = round },
                bench.Operator.Options(default));
            Assert.Equal(view.Rounds[(int)round - 1].AdapterSha256, replay.ReplayedSha256);
        }
        Assert.Equal(3, view.Rounds.Select(round => round.AdapterSha256).Distinct().Count());
        await end.CancelAsync();
        await Task.WhenAll(nodes);
    }

    [Theory]
    [InlineData("flora", "add", 0.5)]
    [InlineData("rolora", "fedadam", 0.5)]
    [InlineData("fedsvd", "fedadam", 1.0)]
    [InlineData("fedsvd", "add", 0.5, true)]
    [InlineData("lora-fair", "fedadam", 1.0)]
    public async Task What_a_method_cannot_do_sparsely_is_refused_at_creation(string method, string optimizer, double down,
        bool errorFeedback = false)
    {
        await using var bench = await Bench.StartAsync();
        var definition = Bench.Define(method, rounds: 1, nodes: 1);
        definition.Communication = new Communication
        {
            Down = down,
            Up = 1,
            Values = "f32",
            ServerOptimizer = optimizer,
            ErrorFeedback = errorFeedback,
        };
        var error = await Assert.ThrowsAsync<RpcException>(() => bench.StartFederationAsync(definition));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains(method, error.Status.Detail);
    }

    [Fact]
    public async Task The_mean_of_the_updates_is_the_new_adapter()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(2);
        using var end = new CancellationTokenSource();
        var nodes = new[]
        {
            bench.RunNodeAsync("a", token, new FakeTrainer(1), end.Token),
            bench.RunNodeAsync("b", token, new FakeTrainer(3), end.Token),
        };
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 2));
        await bench.UntilAsync(view => view.State == FederationState.Finished);

        var export = await bench.Operator.Admin.ExportAdapterAsync(new ExportAdapterRequest { Federation = "test" },
            bench.Operator.Options(default));
        var b = (await bench.FetchAsync(export.Adapter))["base_model.model.l.0.q.lora_B.weight"];
        Assert.All(b.Values, value => Assert.Equal(2, value, 1e-6));
        await end.CancelAsync();
        await Task.WhenAll(nodes);
    }

    [Fact]
    public async Task Whatever_a_trainer_throws_ends_its_task_and_not_its_node()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(1);
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", token,
            new FakeTrainer(1) { Fault = new System.Runtime.InteropServices.ExternalException("out of memory") }, end.Token);
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await bench.UntilAsync(
            view => view.ToString().Contains("training-failed", StringComparison.Ordinal)
                || view.ToString().Contains("ExternalException", StringComparison.Ordinal));
        Assert.False(node.IsCompleted);
        await end.CancelAsync();
        await node;
    }

    [Fact]
    public async Task A_node_with_another_model_says_so_and_takes_no_part()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(2);
        using var end = new CancellationTokenSource();
        var other = new FakeTrainer(1) { Model = new string('b', 64) };
        var nodes = new[]
        {
            bench.RunNodeAsync("right", token, new FakeTrainer(1), end.Token),
            bench.RunNodeAsync("other", token, other, end.Token),
        };
        var definition = Bench.Define("fedit", rounds: 2, nodes: 1);
        definition.Cohort.Size = 0;
        await bench.StartFederationAsync(definition);
        var view = await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(2u, view.RoundsDone);
        Assert.Empty(other.Trained);
        await end.CancelAsync();
        await Task.WhenAll(nodes);
    }

    [Fact]
    public async Task A_restarted_coordinator_goes_on_where_it_was()
    {
        await using var bench = await Bench.StartAsync();
        var token = await bench.TokenAsync(2);
        using var end = new CancellationTokenSource();
        var first = new FakeTrainer(1);
        var nodes = new List<Task> { bench.RunNodeAsync("a", token, first, end.Token) };
        var definition = Bench.Define("fedit", rounds: 2, nodes: 2);
        definition.Cohort.MinNodes = 2;
        await bench.StartFederationAsync(definition);
        await bench.RestartAsync();
        var second = new FakeTrainer(3);
        nodes.Add(bench.RunNodeAsync("b", token, second, end.Token));
        var view = await bench.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal(2u, view.RoundsDone);
        Assert.Equal([1u, 2u], first.Trained);
        Assert.Equal([1u, 2u], second.Trained);
        await end.CancelAsync();
        await Task.WhenAll(nodes);
    }
}
