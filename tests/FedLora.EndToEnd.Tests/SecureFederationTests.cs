using System.Text.Json;
using FedLora.Protocol.V1;

namespace FedLora.EndToEnd.Tests;

/// <summary>Coordinator and nodes as sites run them: over TLS, with join tokens, until one is revoked.</summary>
public sealed class SecureFederationTests : IDisposable
{
    private readonly RealSites _sites = new();

    [Fact]
    public async Task Two_sites_join_by_token_and_finish_and_one_that_is_revoked_says_so_and_stops_asking()
    {
        await using var coordinator = await CoordinatorProcess.StartSecureAsync();
        string[] admin = ["admin", "--data", coordinator.Data];
        // One token for both, and one that is for somebody else.
        var token = _sites.Keep("token", await TokenAsync("--uses", "2"));
        var auditors = _sites.Keep("auditors", await TokenAsync("--role", "auditor", "--name", "anna"));
        using (var wrong = RunningProgram.Client([.. _sites.Arguments(coordinator.Url, "north"), "--token-file", auditors]))
        {
            Assert.Equal(1, await wrong.EndedAsync());
            Assert.True(wrong.HasSaid("the join token is for the auditor 'anna', not for a node"), wrong.LastLine);
        }
        // Before it joins, and once it has.
        Assert.Contains("joins it as south", await CheckAsync("south", "--token-file", token), StringComparison.Ordinal);
        using var a = RunningProgram.Client([.. _sites.Arguments(coordinator.Url, "north"), "--token-file", token]);
        using var b = RunningProgram.Client([.. _sites.Arguments(coordinator.Url, "south"), "--token-file", token]);
        using var federation = await _sites.CreateAsync(coordinator, rounds: 2, steps: 2, quorum: 2, deadlineSeconds: 600);
        var end = await federation.UntilAsync(view => view.State == FederationState.Finished);
        Assert.Equal([2u, 2u], end.Rounds.Select(round => round.Updates));

        Assert.Contains("knows this node as south", await CheckAsync("south"), StringComparison.Ordinal);
        foreach (var command in new[] { "show", "revoke" })
        {
            var (exit, _, errors) = await Programs.RunAsync([.. admin, "node", command, "soth"]);
            Assert.Equal(1, exit);
            Assert.Contains("There is no node 'soth'; did you mean 'south'?", errors, StringComparison.Ordinal);
        }
        await DoAsync("node", "revoke", "south");
        Assert.Equal(1, await b.EndedAsync());
        Assert.True(b.HasSaid("revoked"), b.LastLine);
        Assert.Equal([("north", false), ("south", true)], (await federation.NodesAsync()).Select(node => (node.Name, node.Revoked)));
        var adapter = _sites.StateOf("adapter");
        await DoAsync("export", "mail", "--out", adapter);
        Assert.True(new FileInfo(Path.Combine(adapter, "adapter_model.safetensors")).Length > 0);
        // Nobody is left to be let in by the nodes' token, and anna still may come.
        using var tokens = JsonDocument.Parse(await DoAsync("token", "list", "--json"));
        Assert.Equal("anna", Assert.Single(tokens.RootElement.GetProperty("tokens").EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal(0, await a.EndAsync("TERM"));
        Assert.Equal(0, await coordinator.EndAsync("TERM"));

        async Task<string> TokenAsync(params string[] options)
        {
            using var made = JsonDocument.Parse(await DoAsync(["token", "create", "--json", .. options]));
            return made.RootElement.GetProperty("token").GetString()!;
        }

        async Task<string> CheckAsync(string site, params string[] more)
        {
            var (code, output, errors) = await Programs.RunAsync(
                ["client", "check", .. _sites.Arguments(coordinator.Url, site), .. more, "--json"]);
            Assert.True(code == 0, output + errors);
            return output;
        }

        async Task<string> DoAsync(params string[] arguments)
        {
            var (code, output, errors) = await Programs.RunAsync([.. admin, .. arguments]);
            Assert.True(code == 0, errors);
            return output;
        }
    }

    public void Dispose() => _sites.Dispose();
}
