using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Client.Connection;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// A training node that speaks the wire contract and trains by a formula, so that every run of a federation gives the same bytes.
/// </summary>
internal sealed class TestNode : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private readonly CoordinatorConnection _connection;
    private readonly int _index;

    private TestNode(CoordinatorConnection connection, int index, string id) => (_connection, _index, Id) = (connection, index, id);

    public string Id { get; }

    public static async Task<TestNode> EnrolAsync(string url, string token, int index)
    {
        var connection = new CoordinatorConnection(url);
        var request = new EnrolRequest { Token = token, Name = $"node-{index}", RequestId = Guid.NewGuid().ToString("N") };
        var reply = await connection.Enrolment.EnrolAsync(request, connection.Options(CancellationToken.None, Limits.Step));
        connection.Credential = reply.Credential;
        return new TestNode(connection, index, reply.NodeId);
    }

    /// <summary>A call that is made again while the coordinator is away, as nodes do.</summary>
    public static async Task<T> RetryAsync<T>(Func<Task<T>> call)
    {
        var until = DateTime.UtcNow + Limits.Step;
        while (true)
        {
            try
            {
                return await call();
            }
            catch (RpcException error) when (IsAway(error) && DateTime.UtcNow < until)
            {
                // A coordinator that is starting has the processor to itself.
                await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
            }
        }
    }

    /// <summary>
    /// Whether nobody answered. A connection that the coordinator has closed, as when a ping was not answered in time, is an internal error
    /// to the library.
    /// </summary>
    public static bool IsAway(RpcException error) => error.StatusCode == StatusCode.Unavailable
        || (error.StatusCode == StatusCode.Internal && error.Status.DebugException is HttpRequestException);

    /// <summary>The next task; null if the coordinator has none within some seconds.</summary>
    public async Task<TrainingTask?> PollAsync(uint waitSeconds = 20)
    {
        var request = new PollTaskRequest
        {
            WaitSeconds = waitSeconds,
            Profile = new NodeProfile { ModelFingerprints = { TestFederation.Fingerprint }, ExampleCount = 100, Version = "test" },
        };
        return (await RetryAsync(
            () => _connection.Node.PollTaskAsync(request, _connection.Options(CancellationToken.None, Limits.Step)).ResponseAsync)).Task;
    }

    /// <summary>The task that must come.</summary>
    public async Task<TrainingTask> NextTaskAsync()
    {
        var until = DateTime.UtcNow + Limits.Step;
        while (DateTime.UtcNow < until)
        {
            if (await PollAsync() is { } task) return task;
        }

        throw new TimeoutException("the coordinator gave no task");
    }

    public async Task<AdapterState> FetchAsync(TrainingTask task)
    {
        var states = new List<AdapterState>();
        foreach (var part in task.Adapter.Parts)
        {
            using var bytes = new MemoryStream();
            using var call = _connection.Node.GetBlob(new GetBlobRequest { Sha256 = part.Sha256 },
                _connection.Options(CancellationToken.None));
            await foreach (var chunk in call.ResponseStream.ReadAllAsync()) chunk.Data.WriteTo(bytes);
            states.Add(AdapterState.FromBytes(bytes.ToArray(), part.Sha256));
        }

        return new AdapterState(states.SelectMany(state => state));
    }

    /// <summary>What this node makes of the global adapter.</summary>
    public byte[] Train(TrainingTask task, AdapterState global) =>
        new AdapterState(global.Select(tensor => tensor with
        {
            Values = [.. tensor.Values.Select((value, i) => value + ((i + 7 * _index + 3 * (int)task.Round) % 11 - 5) * 0.001f)],
        })).ToBytes();

    public static UpdateHeader Header(TrainingTask task, byte[] update) => new()
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
        ExampleCount = 100,
        Steps = 1,
        AdapterSha256 = task.Adapter.Sha256,
    };

    /// <summary>
    /// Uploads until <paramref name="stopAfter"/> bytes are acknowledged, or to the end; returns the first and the last acknowledgement.
    /// </summary>
    /// <param name="header">Of the update.</param>
    /// <param name="update">Its bytes.</param>
    /// <param name="stopAfter">So many acknowledged bytes end it.</param>
    /// <param name="heard">Told every acknowledgement as it comes.</param>
    public async Task<(UpdateAck First, UpdateAck Last)> UploadAsync(UpdateHeader header, byte[] update, long stopAfter = long.MaxValue,
        Action<UpdateAck>? heard = null)
    {
        using var call = _connection.Node.PutUpdate(_connection.Options(CancellationToken.None));
        await call.RequestStream.WriteAsync(new UpdateMessage { Header = header });
        var first = await NextAsync(call.ResponseStream, heard);
        var last = first;
        if (first.Complete) return (first, last);
        var offset = first.Received;
        while (offset < update.Length && offset - 2 * ChunkSender.ChunkSize < stopAfter)
        {
            var size = (int)Math.Min(ChunkSender.ChunkSize, update.Length - offset);
            var chunk = new Chunk { Offset = offset, Data = UnsafeByteOperations.UnsafeWrap(update.AsMemory((int)offset, size)) };
            await call.RequestStream.WriteAsync(new UpdateMessage { Chunk = chunk });
            offset += size;
        }

        if (stopAfter == long.MaxValue) await call.RequestStream.CompleteAsync();
        while (!last.Complete && last.Received < stopAfter) last = await NextAsync(call.ResponseStream, heard);
        return (first, last);
    }

    /// <summary>Uploads as the program does: what the coordinator says is heard while bytes are still on their way.</summary>
    public Task SendAsync(UpdateHeader header, byte[] update) => new UpdateUpload(TimeProvider.System, Limits.Step).SendAsync(header,
        new MemoryStream(update), token => _connection.Node.PutUpdate(_connection.Options(token)), null, CancellationToken.None);

    public void Dispose() => _connection.Dispose();

    private static async Task<UpdateAck> NextAsync(IAsyncStreamReader<UpdateAck> acks, Action<UpdateAck>? heard)
    {
        if (!await acks.MoveNext(CancellationToken.None).WaitAsync(Limits.Step))
            throw new InvalidOperationException("the coordinator ended the upload without accepting it");
        heard?.Invoke(acks.Current);
        return acks.Current;
    }
}
