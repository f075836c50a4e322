using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FedLora.Client.Connection;
using FedLora.Grains;
using FedLora.Grains.Access;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using FedLora.Server.Certificates;
using FedLora.Server.Hosting;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Server.Tests.Certificates;

public class IdentityTests
{
    private static readonly PollTaskRequest Poll = new() { Profile = new NodeProfile() };

    [Fact]
    public async Task A_node_joins_with_its_token_and_is_known_by_its_certificate_alone()
    {
        await using var bench = await TlsBench.StartAsync();
        var (identity, id) = await bench.JoinAsync("a");
        using var connection = new CoordinatorConnection(bench.Url, identity: identity);
        Assert.Equal("no federation has work", (await connection.Node.PollTaskAsync(Poll, connection.Options(default))).WaitingFor);
        var node = Assert.Single(
            (await bench.Operator.Admin.ListNodesAsync(new ListNodesRequest(), bench.Operator.Options(default))).Nodes);
        Assert.Equal((id, true), (node.NodeId, node.Online));
        // No bearer counts over TLS, the operators' own included.
        var token = (await File.ReadAllTextAsync(Path.Combine(bench.Data, "operator.token"), TestContext.Current.CancellationToken)).Trim();
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await connection.Admin.ListNodesAsync(new ListNodesRequest(), Bearer.Of(token)));
        Assert.Equal((StatusCode.PermissionDenied, "role-insufficient"), (error.StatusCode, connection.Explain(error).Code));
        identity.Dispose();
    }

    [Fact]
    public async Task A_token_is_for_one_coordinator_one_name_and_one_use()
    {
        await using var bench = await TlsBench.StartAsync();
        await using var other = await TlsBench.StartAsync();
        using var identity = bench.Identity("a");
        var token = await bench.TokenAsync(name: "a");
        var request = new EnrolRequest { Name = "a", RequestId = new string('a', 32) };
        Assert.Equal("coordinator-other",
            (await Assert.ThrowsAsync<FedLoraException>(() => Joining.JoinAsync(identity, other.Address, token, request, default))).Code);
        Assert.Equal("token-invalid",
            (await RefusedAsync(
                () => Joining.JoinAsync(identity, bench.Address, token, new EnrolRequest { Name = "b", RequestId = new string('b', 32) },
                    default))).Code);
        var first = await Joining.JoinAsync(identity, bench.Address, token, request, default);
        // Its answer was lost: the same request is the same node. Another has used it up.
        Assert.Equal(first.NodeId, (await Joining.JoinAsync(identity, bench.Address, token, request, default)).NodeId);
        Assert.Equal("token-invalid",
            (await RefusedAsync(
                () => Joining.JoinAsync(identity, bench.Address, token, new EnrolRequest { Name = "a", RequestId = new string('c', 32) },
                    default))).Code);
        Assert.Equal("token-invalid", Assert.Throws<FedLoraException>(() => JoinToken.Parse(token[..^1])).Code);
    }

    [Fact]
    public async Task What_is_wrong_with_a_certificate_reaches_its_holder_as_what_it_is()
    {
        await using var bench = await TlsBench.StartAsync();
        var (identity, id) = await bench.JoinAsync("a");
        using var none = bench.Identity("none");
        none.Pin(bench.Authority().RawData, bench.Fingerprint(), bench.Url);
        Assert.Equal("certificate-missing", await AnswerAsync(bench, none));
        using var foreign = bench.Identity("foreign");
        foreign.Pin(bench.Authority().RawData, bench.Fingerprint(), bench.Url);
        _ = foreign.CreateRequest();
        foreign.Take(Strange(bench.Folder("foreign"), id));
        Assert.Equal("certificate-foreign", await AnswerAsync(bench, foreign));
        bench.Time.By = CertificateAuthority.PeerLifetime + TimeSpan.FromHours(1);
        Assert.Equal("certificate-expired", await AnswerAsync(bench, identity));
        // By its key it comes back.
        await Joining.RenewAsync(identity, bench.Address, default);
        Assert.Null(await AnswerAsync(bench, identity));
        var options = await bench.OptionsAsync();
        await bench.Operator.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = "a" }, options);
        Assert.Equal("node-revoked", await AnswerAsync(bench, identity));
        Assert.Equal("node-revoked", (await RefusedAsync(() => Joining.RenewAsync(identity, bench.Address, default))).Code);
        identity.Dispose();
    }

    [Fact]
    public async Task A_revocation_ends_open_calls_and_idle_connections()
    {
        await using var bench = await TlsBench.StartAsync();
        var (identity, _) = await bench.JoinAsync("a");
        using var polling = new CoordinatorConnection(bench.Url, identity: identity);
        using var sending = new CoordinatorConnection(bench.Url, identity: identity);
        await polling.Node.PollTaskAsync(Poll, polling.Options(default));
        var poll = polling.Node.PollTaskAsync(new PollTaskRequest(Poll) { WaitSeconds = 50 }, polling.Options(default)).ResponseAsync;
        using var upload = sending.Node.PutUpdate(sending.Options(default));
        await upload.RequestStream.WriteAsync(new UpdateMessage(), TestContext.Current.CancellationToken)
            .WaitAsync(Bench.Never, TestContext.Current.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
        await bench.Operator.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = "a" }, bench.Operator.Options(default));
        Assert.Equal("node-revoked",
            polling.Explain(
                await Assert.ThrowsAsync<RpcException>(() => poll.WaitAsync(Bench.Never, TestContext.Current.CancellationToken))).Code);
        Assert.Equal("node-revoked", await AnswerAsync(polling));
        identity.Dispose();
    }

    [Fact]
    public async Task Operators_and_auditors_join_too_and_are_told_apart()
    {
        await using var bench = await TlsBench.StartAsync();
        using var auditor = bench.Identity("anna");
        await Joining.JoinAsync(auditor, bench.Address, await bench.TokenAsync("auditor", "anna"), new EnrolRequest(), default);
        using var connection = new CoordinatorConnection(bench.Url, identity: auditor);
        var access = (await connection.Admin.ListAccessAsync(new ListAccessRequest(), connection.Options(default))).Access;
        Assert.Equal([("anna", "auditor"), ("local", "operator")], access.Select(holder => (holder.Name, holder.Role)));
        var denied = await Assert.ThrowsAsync<RpcException>(
            async () => await connection.Admin.CreateTokenAsync(new CreateTokenRequest(), connection.Options(default)));
        Assert.Equal("role-insufficient", connection.Explain(denied).Code);
        await bench.Operator.Admin.RevokeAccessAsync(new RevokeAccessRequest { Holder = "anna" }, bench.Operator.Options(default));
        var revoked = await Assert.ThrowsAsync<RpcException>(
            async () => await connection.Admin.ListAccessAsync(new ListAccessRequest(), connection.Options(default)));
        Assert.Equal("access-revoked", connection.Explain(revoked).Code);
    }

    [Fact]
    public async Task A_person_is_given_a_certificate_for_longer_where_nothing_renews_it_and_a_node_is_not()
    {
        await using var bench = await TlsBench.StartAsync();
        var (anna, id) = await bench.JoinAsync("anna", "auditor");
        using var longer = await Joining.IssueAsync(anna, bench.Address, 90, default);
        Assert.Equal(90, (longer.NotAfter.ToUniversalTime() - bench.Time.GetUtcNow().UtcDateTime).TotalDays, 0.01);
        Assert.Equal((anna.Certificate!.Subject, anna.Certificate.GetPublicKeyString()), (longer.Subject, longer.GetPublicKeyString()));
        Assert.Contains(id, longer.Subject, StringComparison.Ordinal);
        // Her own is as it was, and goes on being renewed.
        Assert.True(anna.Certificate.NotAfter < longer.NotAfter);
        Assert.Equal("certificate-request", (await RefusedAsync(() => Joining.IssueAsync(anna, bench.Address, 367, default))).Code);
        var (node, _) = await bench.JoinAsync("a");
        Assert.Equal("certificate-request", (await RefusedAsync(() => Joining.IssueAsync(node, bench.Address, 90, default))).Code);
        anna.Dispose();
        node.Dispose();
    }

    /// <summary>By this a browser knows which of a person's certificates to offer, and asks nobody who has none.</summary>
    [Fact]
    public async Task The_handshake_says_whose_certificates_are_asked_for()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "its TLS names no authorities");
        await using var bench = await TlsBench.StartAsync();
        string[] asked = [];
        using var socket = new System.Net.Sockets.TcpClient();
        var address = new Uri(bench.Url);
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        using var authority = bench.Authority();
        await using var tls = new System.Net.Security.SslStream(socket.GetStream(), false,
            (_, shown, _, _) => shown!.Issuer == authority.Subject, (_, _, _, _, authorities) =>
            {
                // First it is asked before the server has said anything.
                if (authorities.Length > 0)
                    asked = authorities;
                return null!;
            });
        await tls.AuthenticateAsClientAsync("localhost");
        Assert.Equal([authority.Subject], asked);
    }

    [Fact]
    public async Task With_an_operators_access_end_the_links_and_sessions_that_it_gave()
    {
        await using var bench = await TlsBench.StartAsync(configure: builder =>
            builder.Services.AddSingleton(
                Scripted.Of<ICoordinatorPages>(called => called.ReturnType == typeof(string) ? "http://here" : null)));
        using var identity = bench.Identity("anna");
        await Joining.JoinAsync(identity, bench.Address, await bench.TokenAsync("operator", "anna"), new EnrolRequest(), default);
        using var anna = new CoordinatorConnection(bench.Url, identity: identity);
        var sessions = bench.Grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key);
        var (used, unused, other) = (await CodeAsync(anna), await CodeAsync(anna), await CodeAsync(bench.Operator));
        var (hers, locals) = (await sessions.OpenAsync(used, default), await sessions.OpenAsync(other, default));
        Assert.Equal("auditor", await sessions.RoleOfAsync(hers.Secret, default));
        await bench.Operator.Admin.RevokeAccessAsync(new RevokeAccessRequest { Holder = "anna" }, bench.Operator.Options(default));
        Assert.Null(await sessions.RoleOfAsync(hers.Secret, default));
        Assert.Equal("link-invalid", (await Assert.ThrowsAsync<RefusedException>(() => sessions.OpenAsync(unused, default))).Code);
        Assert.Equal("auditor", await sessions.RoleOfAsync(locals.Secret, default));

        static async Task<string> CodeAsync(CoordinatorConnection by) => (await by.Upkeep.CreateDashboardLinkAsync(
            new CreateDashboardLinkRequest { Role = "auditor" }, by.Options(default))).Url.Split('=')[1];
    }

    [Fact]
    public async Task Nothing_secret_is_stored_in_clear_or_readable_by_others()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "rights of files are Unix's here");
        if (OperatingSystem.IsWindows())
            return;
        await using var bench = await TlsBench.StartAsync();
        var token = await bench.TokenAsync();
        var (identity, _) = await bench.JoinAsync("a");
        identity.Dispose();
        var secret = JoinToken.Parse(token).Secret;
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(bench.Data)!, "*", SearchOption.AllDirectories))
        {
            var text = File.Exists(file) && Path.GetFileName(file) != "lock"
                ? System.Text.Encoding.Latin1.GetString(await ReadSharedAsync(file)) : "";
            Assert.DoesNotContain(secret, text);
            if (text.Contains("PRIVATE KEY", StringComparison.Ordinal) || file.EndsWith(".token", StringComparison.Ordinal))
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    private static async Task<byte[]> ReadSharedAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        return bytes.ToArray();
    }

    private static async Task<string?> AnswerAsync(TlsBench bench, PeerIdentity identity)
    {
        using var connection = new CoordinatorConnection(bench.Url, identity: identity);
        return await AnswerAsync(connection);
    }

    private static async Task<string?> AnswerAsync(CoordinatorConnection connection)
    {
        try
        {
            await connection.Node.PollTaskAsync(Poll, connection.Options(default, Bench.Never));
            return null;
        }
        catch (RpcException error)
        {
            return connection.Explain(error).Code;
        }
    }

    private static async Task<FedLoraException> RefusedAsync(Func<Task> call) =>
        RpcErrors.FromRpc(await Assert.ThrowsAsync<RpcException>(call), "");

    // Of the same form, for the same node and the key that lies there, but of an authority that somebody else made up.
    private static byte[] Strange(string folder, string id)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Path.Combine(folder, "node.key")));
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        var made = new CertificateRequest("CN=another authority", other, HashAlgorithmName.SHA256);
        made.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = made.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        var request = new CertificateRequest(new X500DistinguishedName($"O=node, CN={id}"), new PublicKey(key), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], true));
        return request.Create(authority, now.AddDays(-1), now.AddDays(7), [1]).RawData;
    }
}
