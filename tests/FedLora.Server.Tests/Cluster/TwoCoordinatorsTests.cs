using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Client.Connection;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Hosting;
using FedLora.Tests;
using Google.Protobuf;
using Grpc.Core;

namespace FedLora.Server.Tests.Cluster;

/// <summary>Two coordinators on one PostgreSQL: what a node has begun with one it goes on with at the other.</summary>
public sealed class TwoCoordinatorsTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-two-");
    private readonly List<CoordinatorHost> _hosts = [];
    private readonly List<CoordinatorConnection> _connections = [];

    /// <summary>
    /// A balancer sends every call elsewhere: the parts that a task names were known to the coordinator that named them only.
    /// </summary>
    [Fact]
    public async Task A_task_of_one_is_downloaded_and_delivered_at_the_other()
    {
        Assert.SkipUnless(PostgresServer.Missing is null, PostgresServer.Missing ?? "");
        var postgres = PostgresServer.NewDatabase();
        var first = await StartAsync("first", postgres);
        var second = await StartAsync("second", postgres);
        var definition = Bench.Define("fedit", rounds: 1, nodes: 1);
        await first.Admin.CreateFederationAsync(new CreateFederationRequest { Definition = definition }, first.Options(default));
        await first.Admin.StartFederationAsync(new FederationName { Name = "test" }, first.Options(default));
        var token = (await first.Admin.CreateTokenAsync(new CreateTokenRequest(), first.Options(default))).Token;
        var node = As((await second.Enrolment.EnrolAsync(new EnrolRequest { Token = token, Name = "a", RequestId = "1" })).Credential);
        var poll = new PollTaskRequest { Profile = new NodeProfile { ModelFingerprints = { FakeTrainer.Fingerprint } }, WaitSeconds = 30 };
        var task = (await first.Node.PollTaskAsync(poll, node)).Task;

        var global = new List<AdapterTensor>();
        foreach (var part in task.Adapter.Parts)
        {
            var bytes = await FetchAsync(second, part.Sha256, node);
            Assert.Equal(part.Sha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
            global.AddRange(AdapterState.FromBytes(bytes));
        }

        var trained = global.Select(tensor => tensor with { Values = [.. tensor.Values.Select(value => value + 1)] });
        var update = new AdapterState(trained).ToBytes();
        await SendAsync(first, task, update, 0, 20, node);
        Assert.True(await SendAsync(second, task, update, 20, update.Length - 20, node));
        using var watch = second.Admin.WatchFederation(new FederationName { Name = "test" }, second.Options(default));
        using var limit = new CancellationTokenSource(Bench.Never);
        while (await watch.ResponseStream.MoveNext(limit.Token) && watch.ResponseStream.Current.State != FederationState.Finished)
        {
        }

        Assert.Equal((FederationState.Finished, 1u), (watch.ResponseStream.Current.State, watch.ResponseStream.Current.RoundsDone));
        var unknown = await Assert.ThrowsAsync<RpcException>(() => FetchAsync(second, new('0', 64), node));
        Assert.Equal(StatusCode.NotFound, unknown.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        _connections.ForEach(connection => connection.Dispose());
        foreach (var host in _hosts)
            await host.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<CoordinatorConnection> StartAsync(string name, string postgres)
    {
        var data = _folder.CreateSubdirectory(name).FullName;
        // Operators have the same token at every coordinator of a cluster.
        if (_hosts.Count > 0)
        {
            foreach (var token in _folder.EnumerateFiles("first/*.token"))
                token.CopyTo(Path.Combine(data, token.Name));
        }

        _hosts.Add(
            await CoordinatorHost.StartAsync(new ServerOptions { Data = data, Listen = "http://127.0.0.1:0", Postgres = postgres }, null,
                TestContext.Current.CancellationToken));
        _connections.Add(new(_hosts[^1].Url)
        {
            Credential = (await File.ReadAllTextAsync(AccessTokens.FileOf(data, Roles.Operator),
                TestContext.Current.CancellationToken)).Trim(),
        });
        return _connections[^1];
    }

    private static async Task<byte[]> FetchAsync(CoordinatorConnection coordinator, string sha256, CallOptions node)
    {
        using var call = coordinator.Node.GetBlob(new GetBlobRequest { Sha256 = sha256 }, node);
        var bytes = new List<byte>();
        while (await call.ResponseStream.MoveNext(default))
            bytes.AddRange(call.ResponseStream.Current.Data);
        return [.. bytes];
    }

    /// <summary>Sends some bytes of an update, from where the coordinator says that it is; whether it is whole then.</summary>
    private static async Task<bool> SendAsync(CoordinatorConnection coordinator, TrainingTask task, byte[] update, int from, int count,
        CallOptions node)
    {
        using var upload = coordinator.Node.PutUpdate(node);
        var header = new UpdateHeader
        {
            Federation = task.Federation,
            Round = task.Round,
            Attempt = task.Attempt,
            ExampleCount = 10,
            Steps = 1,
            Blob = new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData(update)), Size = update.Length },
        };
        await upload.RequestStream.WriteAsync(new UpdateMessage { Header = header });
        Assert.True(await upload.ResponseStream.MoveNext(default));
        Assert.Equal(from, upload.ResponseStream.Current.Received);
        var chunk = new Chunk { Offset = from, Data = ByteString.CopyFrom(update, from, count) };
        await upload.RequestStream.WriteAsync(new UpdateMessage { Chunk = chunk });
        await upload.RequestStream.CompleteAsync();
        var isWhole = false;
        try
        {
            while (await upload.ResponseStream.MoveNext(default))
                isWhole = upload.ResponseStream.Current.Complete;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.InvalidArgument)
        {
            // It ended in the middle.
        }

        return isWhole;
    }

    private static CallOptions As(string credential) => new(Bearer.Of(credential), DateTime.UtcNow + Bench.Never);
}
