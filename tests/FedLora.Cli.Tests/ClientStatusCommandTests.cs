using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FedLora.Client.State;
using FedLora.Core.Audit;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FedLora.Tests;

namespace FedLora.Cli.Tests;

/// <summary><c>fedlora client status</c> on a node's folder.</summary>
public sealed class ClientStatusCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-status-");

    [Fact]
    public async Task It_tells_what_the_folder_holds_and_whether_somebody_runs_on_it()
    {
        var state = Path.Combine(_folder.FullName, "node");
        using (var held = new NodeFolder(state))
        {
            new NodeCredential("http://127.0.0.1:5080", "abc", "clinic", "secret-of-the-node", "r").Save(held.CredentialFile);
            var blob = new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData([1, 2, 3])), Size = 3 };
            PendingUpdate.Save(held.FederationFolder("mail"), new UpdateHeader { Federation = "mail", Round = 7, Blob = blob }, [1, 2, 3]);
            using (var ledger = PrivacyLedger.Open(Path.Combine(state, "ledger")))
            {
                var dataSet =
                    ledger.Identify(new DataSetLabel("letters", "letters.jsonl"),
                        [Encoding.UTF8.GetBytes("a letter, long enough to count by itself")]);
                ledger.Spend(dataSet, new LedgerUse("http://127.0.0.1:5080", "mail", 7), new SampledGaussian(1, 0.01, 10), 1,
                    new PrivacyLimit(4, 1e-5));
            }
            await File.WriteAllTextAsync(Path.Combine(state, "update-noise"), "2 3\n1.5 1\n", TestContext.Current.CancellationToken);
            var status = await JsonAsync("--state", state);
            var noise = status.GetProperty("update_noise");
            Assert.Equal((4, Accountants.Default.Epsilon([new SampledGaussian(2, 1, 3), new SampledGaussian(1.5, 1, 1)], 1e-5,
                TestContext.Current.CancellationToken).Epsilon), (noise.GetProperty("rounds").GetInt32(),
                noise.GetProperty("epsilon").GetDouble()));
            Assert.True(status.GetProperty("running").GetBoolean());
            Assert.Equal("clinic", status.GetProperty("node").GetString());
            Assert.Equal("letters", status.GetProperty("balances")[0].GetProperty("name").GetString());
            Assert.Equal(7, status.GetProperty("updates")[0].GetProperty("round").GetInt32());
            Assert.True(status.GetProperty("updates")[0].GetProperty("waiting").GetBoolean());
            Assert.DoesNotContain("secret-of-the-node", status.ToString(), StringComparison.Ordinal);
        }
        Assert.False((await JsonAsync("--state", state)).GetProperty("running").GetBoolean());
        var config = Path.Combine(_folder.FullName, "site.yaml");
        await File.WriteAllTextAsync(config, "state: node\n", TestContext.Current.CancellationToken);
        Assert.Equal("clinic", (await JsonAsync("--config", config)).GetProperty("node").GetString());
    }

    [Fact]
    public async Task Events_are_those_of_the_nodes_own_log_oldest_first()
    {
        using (var audit = AuditLog.Open(AuditLog.FolderIn(_folder.FullName)))
        {
            foreach (var (round, federation) in new[] { (1, "mail"), (2, "mail"), (1, "other"), (3, "mail") })
                audit.Append(DateTimeOffset.UnixEpoch, "warning", "Trained", $"round {round} of {federation}",
                    new Dictionary<string, string> { ["federation"] = federation });
        }
        Assert.Equal(["round 2 of mail", "round 3 of mail"], (await EventsAsync("--federation", "mail", "--last", "2")).Select(line =>
            JsonDocument.Parse(line).RootElement.GetProperty("message").GetString()));
        Assert.Equal(4, (await EventsAsync()).Length);
        Assert.Empty(await EventsAsync("--federation", "none"));
        Assert.Equal(2, await CommandLine.RunAsync(["client", "events", "--state", _folder.FullName, "--last", "0"], TextWriter.Null,
            TextWriter.Null, TestContext.Current.CancellationToken));
        Assert.Equal(2, await CommandLine.RunAsync(["client", "page", "--state", _folder.FullName, "--port", "65536"], TextWriter.Null,
            TextWriter.Null, TestContext.Current.CancellationToken));

        async Task<string[]> EventsAsync(params string[] options)
        {
            using var output = new StringWriter();
            Assert.Equal(0, await CommandLine.RunAsync(["client", "events", "--state", _folder.FullName, .. options, "--json"], output,
                TextWriter.Null, TestContext.Current.CancellationToken));
            return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    [Fact]
    public async Task What_happens_while_one_begins_to_follow_is_shown_once()
    {
        const int Most = 3000;
        using var audit = AuditLog.Open(AuditLog.FolderIn(_folder.FullName));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var shown = Path.Combine(_folder.FullName, "shown");
        await using var output = new StreamWriter(shown) { AutoFlush = true };
        Happen(0);
        var following = Task.Run(() => CommandLine.RunAsync(
            ["client", "events", "--state", _folder.FullName, "--last", "10000", "--follow", "--json"], output, TextWriter.Null,
            end.Token));
        for (var i = 1; i < Most; i++)
            Happen(i);
        await Until.SoAsync("the newest is shown", () => File.ReadAllText(shown).Contains($"event {Most - 1}\"", StringComparison.Ordinal));
        await end.CancelAsync();
        Assert.Equal(0, await following);
        Assert.Equal(Enumerable.Range(1, Most), (await File.ReadAllLinesAsync(shown, TestContext.Current.CancellationToken))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("sequence").GetInt32()));

        void Happen(int i) =>
            audit.Append(DateTimeOffset.UnixEpoch, "information", "Trained", $"event {i}", new Dictionary<string, string>());
    }

    [Fact]
    public async Task Where_there_is_nothing_it_says_what_to_name()
    {
        using var error = new StringWriter();
        Assert.Equal(2, await CommandLine.RunAsync(["client", "status"], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Equal(1,
            await CommandLine.RunAsync(["client", "status", "--state", Path.Combine(_folder.FullName, "none")], TextWriter.Null, error,
                TestContext.Current.CancellationToken));
        Assert.Equal(1,
            await CommandLine.RunAsync(["client", "events", "--state", Path.Combine(_folder.FullName, "none")], TextWriter.Null, error,
                TestContext.Current.CancellationToken));
        Assert.Contains("--state DIR", error.ToString(), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<JsonElement> JsonAsync(params string[] options)
    {
        using var output = new StringWriter();
        Assert.Equal(0,
            await CommandLine.RunAsync(["client", "status", .. options, "--json"], output, TextWriter.Null,
                TestContext.Current.CancellationToken));
        return JsonDocument.Parse(output.ToString()).RootElement;
    }
}
