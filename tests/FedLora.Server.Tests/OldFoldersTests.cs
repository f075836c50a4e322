using System.IO.Compression;
using FedLora.Client.Hosting;
using FedLora.Client.Trainers;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.Server.Tests;

/// <summary>
/// The folders of a coordinator and of two nodes as commit 02401dd left them (<c>Folders/02401dd.zip</c>: a private federation of 8 rounds,
/// paused with some of them done, with base model and data; made by that commit's programs): today's programs open them and go on.
/// </summary>
public sealed class OldFoldersTests
{
    private const string Federation = "old";
    private static readonly string Archive = Path.Combine(Fixtures.Repository, "tests", "FedLora.Server.Tests", "Folders", "02401dd.zip");

    [Fact]
    public async Task Folders_of_an_older_program_open_and_the_federation_goes_on()
    {
        await using var bench = await Bench.StartAsync(folder =>
        {
            ZipFile.ExtractToDirectory(Archive, folder);
            Directory.Move(Path.Combine(folder, "coordinator"), Path.Combine(folder, "server"));
        });
        var before = await bench.Operator.Admin.ShowFederationAsync(new FederationName { Name = Federation },
            bench.Operator.Options(default));
        Assert.Equal(FederationState.Paused, before.State);
        Assert.InRange(before.RoundsDone, 1u, 7u);
        Assert.Equal((Weighting.Uniform, 150u, 3600u * 24, 10),
            (before.Definition.Weighting, before.Definition.Training.LocalSteps, before.Definition.Cohort.SamplingTimeoutSeconds,
                before.Definition.Retention.UpdateRounds));
        Assert.Equal(["ham", "spam", "other"], before.Definition.Task.Classification.Labels);
        await ReplayAsync(bench, before);
        var spent = new[] { "a", "b" }.Select(name => Spent(bench, name)).ToArray();

        using var end = new CancellationTokenSource();
        var trainers = new[] { "a", "b" }.Select(name => Trainer(bench, name)).ToArray();
        var nodes = new[]
        {
            "a",
            "b",
        }.Select((name, node) => bench.RunNodeAsync(name, "", trainers[node], end.Token, data: bench.Scratch($"{name}.jsonl"))).ToArray();
        await bench.Operator.Admin.StartFederationAsync(new FederationName { Name = Federation }, bench.Operator.Options(default));
        var after = await bench.UntilAsync(view => view.RoundsDone >= before.RoundsDone + 2 || view.State == FederationState.Paused,
            Federation);
        await end.CancelAsync();
        await Task.WhenAll(nodes);
        Array.ForEach(trainers, trainer => trainer.Dispose());

        Assert.True(after.State == FederationState.Running, after.Reason);
        Assert.Equal(before.Rounds.Take((int)before.RoundsDone).Select(round => round.AdapterSha256),
            after.Rounds.Take((int)before.RoundsDone).Select(round => round.AdapterSha256));
        await ReplayAsync(bench, after);
        // Nobody enrolled anew, and each ledger goes on where it was.
        Assert.Equal(2, (await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes.Count);
        Assert.All(new[] { "a", "b" }.Select((name, node) => (name, node)),
            pair => Assert.True(Spent(bench, pair.name) > spent[pair.node]));
    }

    private static async Task ReplayAsync(Bench bench, FederationView view)
    {
        for (var round = 1u; round <= view.RoundsDone; round++)
        {
            var replay = await bench.Operator.Admin.ReplayRoundAsync(new ReplayRoundRequest { Federation = Federation, Round = round },
                bench.Operator.Options(default));
            Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
            Assert.Equal(view.Rounds[(int)round - 1].AdapterSha256, replay.ReplayedSha256);
        }
    }

    private static RoundTrainer Trainer(Bench bench, string name) => RoundTrainer.Create(
        new ClientOptions
        {
            Coordinator = "",
            Data = bench.Scratch($"{name}.jsonl"),
            Model = bench.Scratch("model"),
            State = bench.StateOf(name),
            Name = name,
        });

    private static int Spent(Bench bench, string name)
    {
        using var ledger = PrivacyLedger.Read(Path.Combine(bench.StateOf(name), "ledger"));
        return ledger.Entries.Count;
    }
}
