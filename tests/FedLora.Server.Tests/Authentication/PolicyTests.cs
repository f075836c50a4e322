using FedLora.Protocol;
using FedLora.Server.Authentication;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;

namespace FedLora.Server.Tests.Authentication;

public class PolicyTests
{
    // What a stranger may call: with a join token in it, for what the token checks, and by its key.
    private static readonly string[] Open = ["fedlora.v1.Enrolment.Enrol", "fedlora.v1.Enrolment.GetAuthority",
        "fedlora.v1.Enrolment.Renew"];

    // What auditors may call of the operators' service.
    private static readonly string[] Read = [.. new[]
    {
        "ListNodes",
        "ListAccess",
        "ShowFederation",
        "ListFederations",
        "WatchFederation",
        "ReplayRound",
    }.Select(name => $"fedlora.v1.Admin.{name}"),
        "fedlora.v1.Upkeep.CreateDashboardLink", "fedlora.v1.Upkeep.ListTokens", "fedlora.v1.Upkeep.ListEvents",
        "fedlora.v1.Upkeep.ShowNode", "fedlora.v1.Upkeep.ShowDisk",
    ];

    private static readonly Marshaller<byte[]> Bytes = new(bytes => bytes, bytes => bytes);

    [Fact]
    public void There_are_calls() => Assert.True(EveryCall.All.Count >= 18);

    [Fact]
    public async Task Every_call_turns_away_whoever_it_is_not_for()
    {
        await using var bench = await Bench.StartAsync();
        var node = await bench.EnrolAsync();
        using var channel = GrpcChannel.ForAddress(bench.Operator.Url);
        var wrong = new List<string>();
        foreach (var call in EveryCall.All.Where(call => !Open.Contains(call.FullName)))
        {
            var isNode = call.Service.Name == "Node";
            foreach (var shown in (string?[])[null, "", "guess", $"{new string('a', 32)}.guess",
                isNode ? bench.Operator.Credential : node.Credential])
            {
                var (status, code) = await AnswerAsync(channel, call, shown);
                if (status != StatusCode.Unauthenticated
                    || code != (isNode ? code is "node-unknown" ? code : "node-credential" : "operator-credential"))
                    wrong.Add($"{call.FullName} shown '{shown}': {status}, {code}");
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Every_call_lets_in_whoever_it_is_for()
    {
        await using var bench = await Bench.StartAsync();
        var node = await bench.EnrolAsync();
        using var channel = GrpcChannel.ForAddress(bench.Operator.Url);
        foreach (var call in EveryCall.All)
        {
            var (status, _) = await AnswerAsync(channel, call, call.Service.Name == "Node" ? node.Credential : bench.Operator.Credential);
            // An empty request may be refused for what it asks; enrolment, without a token, for who asks.
            Assert.True(
                status is not (StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.Internal or StatusCode.Unknown)
                    || Open.Contains(call.FullName), $"{call.FullName}: {status}");
        }
    }

    [Fact]
    public async Task An_auditor_reads_and_changes_nothing()
    {
        await using var bench = await Bench.StartAsync();
        var token = (await File.ReadAllTextAsync(AccessTokens.FileOf(bench.Data, Roles.Auditor), TestContext.Current.CancellationToken))
            .Trim();
        using var channel = GrpcChannel.ForAddress(bench.Operator.Url);
        var wrong = new List<string>();
        foreach (var call in EveryCall.All.Where(call => call.Service.Name is "Admin" or "Upkeep"))
        {
            var (status, code) = await AnswerAsync(channel, call, token);
            var isLetIn = status is not (StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.Internal
                or StatusCode.Unknown);
            if (Read.Contains(call.FullName) ? !isLetIn : status != StatusCode.PermissionDenied || code != "role-insufficient")
                wrong.Add($"{call.FullName}: {status}, {code}");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Tokens_are_files_that_their_owner_alone_may_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "rights of files are Unix's here");
        if (OperatingSystem.IsWindows())
            return;
        await using var bench = await Bench.StartAsync();
        foreach (var role in (string[])[Roles.Operator, Roles.Auditor])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(AccessTokens.FileOf(bench.Data, role)));
    }

    // On the wire a call with one message each way is no other than a stream of one.
    private static async Task<(StatusCode Status, string? Code)> AnswerAsync(GrpcChannel channel, MethodDescriptor method,
        string? credential)
    {
        using var limit = new CancellationTokenSource(Bench.Never);
        var call = new Method<byte[], byte[]>(MethodType.DuplexStreaming, method.Service.FullName, method.Name, Bytes, Bytes);
        using var running = channel.CreateCallInvoker()
            .AsyncDuplexStreamingCall(call, null,
                new CallOptions(credential is null ? [] : Bearer.Of(credential), cancellationToken: limit.Token));
        try
        {
            await running.RequestStream.WriteAsync([], limit.Token);
            await running.RequestStream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or InvalidOperationException)
        {
            // Refused before all was sent: the response says why.
        }
        try
        {
            return await running.ResponseStream.MoveNext(limit.Token) ? (StatusCode.OK, null) : (running.GetStatus().StatusCode, null);
        }
        catch (RpcException error)
        {
            return (error.StatusCode, RpcErrors.FromRpc(error, "").Code);
        }
    }
}
