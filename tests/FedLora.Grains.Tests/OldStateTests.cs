using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using FedLora.Server.Stores;

namespace FedLora.Grains.Tests;

/// <summary>A coordinator's folder as commit 02401dd wrote it, in the middle of its second round: it opens and goes on.</summary>
public sealed class OldStateTests
{
    private static readonly JsonSerializerOptions Indented = new(StoredJson.Options) { WriteIndented = true };
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Snapshots");

    [Fact]
    public async Task A_folder_of_format_1_opens_and_its_round_goes_on()
    {
        await using var coordinator = await Coordinator.StartAsync(prepare: Unpack);
        await coordinator.FindNodesAsync();
        var view = await coordinator.Federation.GetAsync(default);
        Assert.Equal((FederationState.Running, 1, RoundState.Open), (view.State, view.RoundsDone, view.Current!.State));
        Assert.Equal((2, 1), (view.Current.Round, view.Current.Nodes.Count(node => node.UpdateIn)));
        var global = await coordinator.Blobs.GetAdapterAsync(view.Adapter.Sha256, default);
        var replay = await coordinator.Service<RoundReplayer>().ReplayAsync("demo", 1, default);
        Assert.Equal(replay.StoredSha256, replay.ReplayedSha256);
        await coordinator.DeliverAsync("b", 102);
        await coordinator.DeliverAsync("c", 103);
        view = await coordinator.UntilAsync(seen => seen.RoundsDone == 2);
        Assert.Equal(
            Samples.Expected(global, 2, (coordinator.IdOf("a"), 10, 101), (coordinator.IdOf("b"), 10, 102),
                (coordinator.IdOf("c"), 10, 103)), view.Adapter.Sha256);
        await coordinator.KillAndRestartAsync();
        Assert.Equal(2, (await coordinator.Federation.GetAsync(default)).RoundsDone);
    }

    /// <summary>The registry kept tokens and nodes; they are taken over once, and the registry's copy is not looked at again.</summary>
    [Fact]
    public async Task Nodes_and_tokens_of_before_are_taken_over()
    {
        await using var coordinator = await Coordinator.StartAsync(prepare: Unpack);
        Assert.Equal(["a", "b", "c"], (await coordinator.Enrolment.ListNodesAsync(default)).Select(node => node.Name));
        foreach (var token in await coordinator.Enrolment.ListTokensAsync(default))
            await coordinator.Enrolment.RevokeTokenAsync(token.Id, default);
        await coordinator.EnrolAsync("d");
        await coordinator.KillAndRestartAsync();
        Assert.Equal(["a", "b", "c", "d"], (await coordinator.Enrolment.ListNodesAsync(default)).Select(node => node.Name));
        Assert.Empty(await coordinator.Enrolment.ListTokensAsync(default));
        Assert.Equal(3, (await coordinator.Registry.EnrolmentBeforeAsync(default)).Nodes.Count);
    }

    /// <summary>
    /// What is stored of a federation today, as text: a change of the format is seen in review, and needs a new format number and a way
    /// from the old one.
    /// </summary>
    [Fact]
    public void The_form_of_a_federations_row_is_known()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var standing = RoundDecisions.Create(Samples.Definition, new() { Sha256 = new('a', 64), Bytes = 10 }, [], now);
        standing = RoundDecisions.Decide(standing, new FederationEvent.StartAsked(), now).Standing;
        var node = new NodePresence
        {
            NodeId = "n1",
            Name = "a",
            Group = "",
            Profile = new() { ModelFingerprints = [Samples.Fingerprint] },
        };
        standing = RoundDecisions.Decide(standing with { Definition = standing.Definition with { Cohort = new() { Quorum = 1 } } },
            new FederationEvent.Looked([new(node)], 1), now).Standing;
        var update = new UpdateHeader
        {
            Federation = "demo",
            Round = 1,
            Attempt = 1,
            NodeId = "n1",
            Sha256 = new('b', 64),
            Bytes = 100,
            ExampleCount = 10,
        };
        standing = RoundDecisions.Decide(standing, new FederationEvent.UpdateArrived(update), now).Standing;
        standing = RoundDecisions.Decide(standing,
            new FederationEvent.Aggregated(new() { Round = 1, Adapter = standing.Adapter, Record = new('c', 64) }), now).Standing;
        standing = RoundDecisions.Decide(standing, new FederationEvent.Looked([new(node)], 1), now).Standing;
        standing = RoundDecisions.Decide(standing, new FederationEvent.UpdateArrived(update with { Round = 2 }), now).Standing;
        var json = JsonSerializer.Serialize(new FederationRow { Format = FederationRow.PresentFormat, Standing = standing }, Indented);
        var file = Path.Combine(Folder, "federation.json");
        Assert.True(File.Exists(file) && File.ReadAllText(file).ReplaceLineEndings("\n").Trim() == json.ReplaceLineEndings("\n"),
            $"Snapshots/federation.json is to be:\n{json}");
        var read = JsonSerializer.Deserialize<FederationRow>(json, StoredJson.Options)!;
        Assert.Equal(json, JsonSerializer.Serialize(read, Indented));
        // Remembered entries are written as new ones are, and a changed one as it is now.
        foreach (var _ in (int[])[1, 2])
            Assert.Equal(JsonSerializer.Serialize(read, StoredJson.Options), JsonSerializer.Serialize(read, StoredJson.Rows));
        var round = read.Standing!.Round;
        var changed = round.Cohort.Values.First() with { Failure = "gone" };
        read.Standing = read.Standing with { Round = round with { Cohort = round.Cohort.SetItem(changed.NodeId, changed) } };
        Assert.Contains("gone", JsonSerializer.Serialize(read, StoredJson.Rows), StringComparison.Ordinal);
        Assert.Equal(JsonSerializer.Serialize(read, StoredJson.Options), JsonSerializer.Serialize(read, StoredJson.Rows));
    }

    /// <summary>Rounds of a federation that has no word on the bound of weights are made as before.</summary>
    [Fact]
    public void A_row_of_format_2_has_no_bound_of_weights()
    {
        var row = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "federation.json")))!;
        row["Format"] = 2;
        Assert.True(row["Standing"]!["Definition"]!.AsObject().Remove("MaxWeight"));
        var upgraded = row.Deserialize<FederationRow>(StoredJson.Options)!;
        upgraded.Upgrade(new(), DateTimeOffset.UnixEpoch);
        Assert.Equal((3, 0.0), (upgraded.Format, upgraded.Standing!.Definition.MaxWeight));
    }

    private static void Unpack(string folder)
    {
        using var database = new SqliteDatabase(Path.Combine(folder, "state.db"));
        database.WriteAsync(connection =>
        {
            connection.Execute(
                "CREATE TABLE grain_state (name TEXT NOT NULL, grain TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY "
                    + "KEY (name, grain)) WITHOUT ROWID");
            foreach (var row in File.ReadLines(Path.Combine(Folder, "02401dd", "rows.tsv")).Select(line => line.Split('\t')))
                connection.Execute("INSERT INTO grain_state VALUES (@name, @grain, @version, @json)",
                    new { name = row[0], grain = row[1], version = long.Parse(row[2]), json = row[3] });
            return true;
        }, CancellationToken.None).GetAwaiter().GetResult();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Folder, "02401dd", "blobs"), "*", SearchOption.AllDirectories))
        {
            var name = Path.GetFileName(file);
            Directory.CreateDirectory(Path.Combine(folder, "blobs", name[..2]));
            File.Copy(file, Path.Combine(folder, "blobs", name[..2], name));
        }
    }
}
