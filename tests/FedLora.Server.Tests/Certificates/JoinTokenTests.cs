using FedLora.Client.Connection;
using FedLora.Client.Hosting;
using FedLora.Client.Rounds;
using FedLora.Protocol.V1;
using FedLora.Tests;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Server.Tests.Certificates;

/// <summary>Whom a join token lets in, and what is left where it does not.</summary>
public sealed class JoinTokenTests
{
    private static readonly string[] Identity = ["authority.pem", "node.json", "node.pem", "operator.pem"];

    [Fact]
    public async Task Tokens_of_all_roles_are_in_one_list_and_each_is_taken_back()
    {
        await using var bench = await TlsBench.StartAsync();
        var auditor = await bench.TokenAsync("auditor", "anna");
        _ = await bench.TokenAsync("operator", "otto");
        _ = await bench.TokenAsync(name: "a");
        var listed = await ListAsync(bench);
        Assert.Equal([("auditor", "anna", 1u), ("node", "a", 1u), ("operator", "otto", 1u)],
            listed.Select(token => (token.Role, token.Name, token.UsesLeft)).Order());
        Assert.DoesNotContain(JoinToken.Parse(auditor).Secret, string.Join('\n', listed), StringComparison.Ordinal);
        // Used up, it is no longer there to be taken back.
        using var identity = bench.Identity("otto");
        await Joining.JoinAsync(identity, bench.Address, await bench.TokenAsync("operator", "olga"), Person, default);
        Assert.Equal(3, (await ListAsync(bench)).Count);
        foreach (var token in listed)
            await bench.Operator.Upkeep.RevokeTokenAsync(new RevokeTokenRequest { Id = token.Id }, bench.Operator.Options(default));
        Assert.Empty(await ListAsync(bench));
        Assert.Equal("token-invalid", await RefusalAsync(bench, "anna", auditor, Person));
        Assert.Equal("token-unknown", await CodeAsync(bench.Operator, async () => await bench.Operator.Upkeep.RevokeTokenAsync(
            new RevokeTokenRequest { Id = listed[0].Id }, bench.Operator.Options(default))));
    }

    [Fact]
    public async Task An_expired_token_is_not_listed()
    {
        await using var bench = await TlsBench.StartAsync();
        _ = await bench.TokenAsync("auditor", "anna");
        _ = await bench.TokenAsync();
        bench.Time.By = TimeSpan.FromDays(2);
        Assert.Empty(await ListAsync(bench));
    }

    [Fact]
    public async Task A_token_for_somebody_else_is_refused_with_whose_it_is_and_is_not_used_up()
    {
        await using var bench = await TlsBench.StartAsync();
        var (nodes, annas) = (await bench.TokenAsync(), await bench.TokenAsync("auditor", "anna"));
        Assert.Equal("token-role", await RefusalAsync(bench, "anna", nodes, Person));
        var told = await Assert.ThrowsAsync<FedLoraException>(() => RunNodeAsync(bench, "a", annas));
        Assert.Equal("token-role", told.Code);
        Assert.Contains("the auditor 'anna'", told.Message, StringComparison.Ordinal);
        Assert.Contains("admin join", told.Hint, StringComparison.Ordinal);
        Assert.Equal("token-invalid", await RefusalAsync(bench, "anna", $"{new string('0', 64)}.{bench.Fingerprint()}", Person));
        using var anna = bench.Identity("anna");
        await Joining.JoinAsync(anna, bench.Address, annas, Person, default);
        await JoinsAsync(bench, "a", nodes);
        Assert.Empty(await ListAsync(bench));
    }

    /// <summary>The name of a refused join came back with the next one, and so did the authority that it had pinned.</summary>
    [Fact]
    public async Task Nothing_of_a_refused_join_stays_and_the_next_one_is_its_own()
    {
        await using var bench = await TlsBench.StartAsync();
        var first = await bench.TokenAsync(name: "a");
        Assert.Equal("token-invalid", (await Assert.ThrowsAsync<FedLoraException>(() => RunNodeAsync(bench, "b", first))).Code);
        Assert.Empty(KeptBy(bench, "site"));
        await JoinsAsync(bench, "a", first);
        Assert.Equal(["authority.pem", "node.json", "node.pem"], KeptBy(bench, "site"));
        // Of a join somewhere else, which is refused, neither: who it is here stays.
        await using var other = await TlsBench.StartAsync();
        var theirs = await other.TokenAsync();
        using var identity = new PeerIdentity(bench.Folder("site"), "operator", bench.Time);
        Assert.Equal("token-role",
            await CodeAsync(other.Operator, () => Joining.JoinAsync(identity, other.Address, theirs, Person, default)));
        Assert.Equal(bench.Authority().ExportCertificatePem() + "\n",
            await File.ReadAllTextAsync(Path.Combine(bench.Folder("site"), "authority.pem"), TestContext.Current.CancellationToken));
        Assert.Equal(["authority.pem", "node.json", "node.pem"], KeptBy(bench, "site"));
    }

    private static EnrolRequest Person => new() { Joiner = Joiner.Person };

    private static string[] KeptBy(TlsBench bench, string site) => [.. Identity.Where(file =>
        File.Exists(Path.Combine(bench.Folder(site), file)))];

    private static async Task<IReadOnlyList<TokenView>> ListAsync(TlsBench bench) =>
        (await bench.Operator.Upkeep.ListTokensAsync(new ListTokensRequest(), bench.Operator.Options(default))).Tokens;

    private static async Task<string> RefusalAsync(TlsBench bench, string who, string token, EnrolRequest request)
    {
        using var identity = bench.Identity(who);
        return await CodeAsync(bench.Operator, () => Joining.JoinAsync(identity, bench.Address, token, request, default));
    }

    private static async Task<string> CodeAsync(CoordinatorConnection connection, Func<Task> call) =>
        connection.Explain(await Assert.ThrowsAsync<RpcException>(call)).Code;

    // Runs until it is refused, or has joined and polls.
    private static async Task JoinsAsync(TlsBench bench, string name, string token)
    {
        using var end = new CancellationTokenSource();
        var node = RunNodeAsync(bench, name, token, end.Token);
        await Until.SoAsync($"node {name} polls", async () =>
        {
            if (node.IsCompleted)
                await node;
            return (await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes
                .Any(known => known.Name == name && known.Online);
        });
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => node);
    }

    private static async Task RunNodeAsync(TlsBench bench, string name, string token, CancellationToken cancellationToken = default)
    {
        await using var node = new ServiceCollection().AddSingleton<IRoundTrainer>(new FakeTrainer(1))
            .AddFedLoraNode(new ClientOptions
            {
                Coordinator = bench.Url,
                Data = "",
                Model = "",
                State = bench.Folder("site"),
                Token = token,
                Name = name,
            })
            .BuildServiceProvider();
        await node.GetRequiredService<NodeDaemon>().RunAsync(cancellationToken);
    }
}
