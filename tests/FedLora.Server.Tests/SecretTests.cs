using System.Text;
using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using FedLora.Server.Tests.Certificates;
using FedLora.Tests;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace FedLora.Server.Tests;

/// <summary>
/// A small real run of which everything is logged that coordinator, node and their libraries can say: of what is secret in it nothing is in
/// a log, in the database, or in a file but the one that is for it.
/// </summary>
public sealed class SecretTests
{
    private const string Password = "the-password-of-the-database";

    [Fact]
    public async Task Without_TLS_and_in_a_cluster_nothing_secret_is_logged_or_stored_in_clear()
    {
        var (heard, postgres) = (new EveryLog(), PostgresServer.Missing is null ? PostgresServer.NewDatabase() : null);
        await using var bench = await Bench.StartAsync(configure: builder => Configure(builder, heard),
            options: server => server.Postgres = postgres is null ? null : $"{postgres};Password={Password}");
        var token = await bench.TokenAsync();
        using var end = new CancellationTokenSource();
        var node = bench.RunNodeAsync("a", token, new FakeTrainer(1), end.Token, logging: heard.AddTo);
        await bench.UntilEnrolledAsync("a");
        await bench.StartFederationAsync(Bench.Define("fedit", rounds: 1, nodes: 1));
        await bench.UntilAsync(view => view.State == FederationState.Finished);
        var code = await CodeAsync(bench.Operator);
        await Assert.ThrowsAsync<RpcException>(async () => await bench.Operator.Enrolment.EnrolAsync(
            new EnrolRequest { Token = token, Name = "b", RequestId = "b" }));
        await Assert.ThrowsAsync<RpcException>(async () => await bench.Operator.Node.PollTaskAsync(new PollTaskRequest(),
            FedLora.Protocol.Bearer.Of($"{new string('a', 32)}.{new string('b', 64)}")));
        await end.CancelAsync();
        await node;
        var credential = NodeCredential.Load(NodeFolder.CredentialFileOf(bench.StateOf("a")))!;
        (string What, string Text)[] secrets =
        [
            ("the operator's token", await ReadAsync(AccessTokens.FileOf(bench.Data, Roles.Operator))),
            ("the auditor's token", await ReadAsync(AccessTokens.FileOf(bench.Data, Roles.Auditor))),
            ("the join token", token), ("the dashboard's code", code), ("the node's credential", credential.Secret),
            ("the database's password", Password),
        ];
        await bench.StopAsync();
        Assert.Contains("CreateToken", heard.Text, StringComparison.Ordinal);
        AbsentFrom("the log", heard.Text, secrets);
        if (postgres is not null)
            AbsentFrom("the database", await RowsAsync(postgres), secrets);
        await AbsentFromFilesAsync(bench.Scratch("."), secrets);
    }

    [Fact]
    public async Task With_TLS_no_key_and_no_token_is_logged_or_stored_in_clear()
    {
        var heard = new EveryLog();
        await using var bench = await TlsBench.StartAsync(configure: builder => Configure(builder, heard));
        var token = await bench.TokenAsync();
        using var identity = bench.Identity("a");
        await Joining.JoinAsync(identity, bench.Address, token, new EnrolRequest { Name = "a", RequestId = "1" }, default);
        using var connection = new CoordinatorConnection(bench.Url, identity: identity);
        await connection.Node.PollTaskAsync(new PollTaskRequest { Profile = new NodeProfile() }, connection.Options(default));
        var code = await CodeAsync(bench.Operator);
        (string What, string Text)[] secrets =
        [
            ("the join token", JoinToken.Parse(token).Secret), ("the dashboard's code", code),
            ("the authority's key", KeyOf(await ReadAsync(Path.Combine(bench.Data, "authority.key")))),
            ("the operator's key", KeyOf(await ReadAsync(Path.Combine(bench.Data, "operator.pem")))),
            ("the node's key", KeyOf(await ReadAsync(Path.Combine(bench.Folder("a"), "node.key")))),
        ];
        AbsentFrom("the log", heard.Text, secrets);
        await AbsentFromFilesAsync(Path.GetDirectoryName(bench.Data)!, secrets);
    }

    private static void Configure(IHostApplicationBuilder builder, EveryLog heard)
    {
        heard.AddTo(builder.Logging);
        builder.Services.AddSingleton(
            Scripted.Of<ICoordinatorPages>(called => called.ReturnType == typeof(string) ? "http://here" : null));
    }

    private static async Task<string> CodeAsync(CoordinatorConnection by) => (await by.Upkeep.CreateDashboardLinkAsync(
        new CreateDashboardLinkRequest { Role = "auditor" }, by.Options(default))).Url.Split('=')[1];

    private static async Task<string> ReadAsync(string file) => (await File.ReadAllTextAsync(file)).Trim();

    // A line of its base64.
    private static string KeyOf(string pem) => pem.Split('\n')[1];

    private static void AbsentFrom(string where, string text, (string What, string Text)[] secrets)
    {
        foreach (var (what, secret) in secrets)
        {
            Assert.True(secret.Length >= 20, $"{what} is too short to be one");
            Assert.False(text.Contains(secret, StringComparison.OrdinalIgnoreCase), $"{what} is in {where}");
        }
    }

    // Whoever holds a secret has it in a file of its own, for its owner only.
    private static async Task AbsentFromFilesAsync(string folder, (string What, string Text)[] secrets)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "lock" or "operator.token" or "auditor.token" or "authority.key" or "operator.pem" or "node.key"
                || file == NodeFolder.CredentialFileOf(Path.GetDirectoryName(file)!))
                continue;
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes);
            AbsentFrom(file, Encoding.Latin1.GetString(bytes.ToArray()), secrets);
        }
    }

    private static async Task<string> RowsAsync(string postgres)
    {
        await using var database = NpgsqlDataSource.Create(postgres);
        await using var command = database.CreateCommand(
            "SELECT string_agg(row, '') FROM (SELECT json AS row FROM grain_state UNION ALL SELECT value FROM cluster_fact "
                + "UNION ALL SELECT encode(bytes, 'escape') FROM blob_piece) AS all_rows");
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
