using System.Security.Cryptography;
using FedLora.Client.Connection;
using FedLora.Protocol;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Benchmarks.Serve;

/// <summary>A node that has joined over mutual TLS, on a connection of its own; it does no more than it is told.</summary>
internal sealed class LightNode : IDisposable
{
    private const int MostBroken = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly UpdateUpload Upload = new(TimeProvider.System, Patience);
    private readonly PeerIdentity _identity;
    private readonly CoordinatorConnection _connection;

    private readonly string _fingerprint;

    private LightNode(PeerIdentity identity, CoordinatorAddress address, string fingerprint) =>
        (_identity, _connection, _fingerprint) = (identity, new CoordinatorConnection(address.Url, identity: identity), fingerprint);

    /// <summary>Joins.</summary>
    /// <param name="url">The coordinator's.</param>
    /// <param name="token">Of its authority.</param>
    /// <param name="name">The node's name.</param>
    /// <param name="folder">Takes key and certificate.</param>
    /// <param name="fingerprint">SHA-256 that stands for the base model that it holds.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<LightNode> JoinAsync(string url, string token, string name, string folder, string fingerprint,
        CancellationToken cancellationToken)
    {
        var address = new CoordinatorAddress(url);
        var identity = new PeerIdentity(Directory.CreateDirectory(folder).FullName, "node", TimeProvider.System);
        await Joining.JoinAsync(identity, address, token, new EnrolRequest { Name = name, RequestId = Guid.NewGuid().ToString("N") },
            cancellationToken);
        return new(identity, address, fingerprint);
    }

    /// <summary>Asks for work.</summary>
    /// <param name="wait">How long at most.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<TrainingTask?> PollAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        var request = new PollTaskRequest
        {
            Profile = new NodeProfile { ModelFingerprints = { _fingerprint }, Version = "bench" },
            WaitSeconds = (uint)wait.TotalSeconds,
        };
        return (await AgainAsync(async () =>
            await _connection.Node.PollTaskAsync(request, _connection.Options(cancellationToken, wait + Patience)))).Task;
    }

    /// <summary>Sends an update; when this returns it is acknowledged as a whole.</summary>
    public Task SendAsync(TrainingTask task, byte[] update, CancellationToken cancellationToken)
    {
        var header = new UpdateHeader
        {
            Federation = task.Federation,
            Round = task.Round,
            Attempt = task.Attempt,
            Blob = new BlobRef
            {
                Sha256 = Convert.ToHexStringLower(SHA256.HashData(update)),
                Size = update.Length,
                Encoding = BlobEncoding.Safetensors,
            },
            ExampleCount = 10,
            Steps = 1,
            Loss = 0.5,
            AdapterSha256 = task.Adapter.Sha256,
        };
        return AgainAsync(async () =>
        {
            await Upload.SendAsync(header, new MemoryStream(update), token => _connection.Node.PutUpdate(_connection.Options(token)), null,
                cancellationToken);
            return true;
        });
    }

    // As a node does whose connection breaks: on a busy machine a thousand nodes in one process answer the coordinator's pings too late.
    private static async Task<T> AgainAsync<T>(Func<Task<T>> call)
    {
        for (var broken = 0; ; broken++)
        {
            try
            {
                return await call();
            }
            catch (RpcException error) when (!RpcErrors.IsRefusal(error) && error.StatusCode != StatusCode.Cancelled && broken < MostBroken)
            {
            }
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _identity.Dispose();
    }
}
