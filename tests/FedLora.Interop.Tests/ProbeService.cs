using System.Threading.Channels;
using Fedlora.Probe.V1;
using Google.Protobuf;
using Grpc.Core;

namespace FedLora.Interop.Tests;

/// <summary>What tests learn of the calls that a server serves.</summary>
public sealed class ProbeEvents
{
    private readonly Channel<StatusCode?> _waitsEnded = Channel.CreateUnbounded<StatusCode?>();

    /// <summary>Runs at the start of every call.</summary>
    public Func<ServerCallContext, Task> OnCall { get; set; } = _ => Task.CompletedTask;

    /// <summary>How the next Wait call came to its end on the server: null when its token was cancelled.</summary>
    public async Task<StatusCode?> NextWaitEndedAsync() => await _waitsEnded.Reader.ReadAsync().AsTask().WaitAsync(Within.Limit);

    internal void WaitEnded(StatusCode? code) => _waitsEnded.Writer.TryWrite(code);
}

/// <summary>The probe service of probe.proto.</summary>
public sealed class ProbeService(ProbeEvents events) : Probe.ProbeBase
{
    public override async Task<Packet> Echo(Packet request, ServerCallContext context)
    {
        await events.OnCall(context);
        return request;
    }

    public override async Task<Total> Collect(IAsyncStreamReader<Packet> requestStream, ServerCallContext context)
    {
        await events.OnCall(context);
        var total = new Total();
        await foreach (var packet in requestStream.ReadAllAsync(context.CancellationToken))
        {
            total.Count++;
            total.Bytes += packet.Payload.Length;
        }

        return total;
    }

    public override async Task Repeat(Packet request, IServerStreamWriter<Packet> responseStream, ServerCallContext context)
    {
        await events.OnCall(context);
        for (var i = 0; i < request.Count; i++)
        {
            await responseStream.WriteAsync(new Packet { Count = i, Payload = request.Payload });
        }
    }

    public override async Task Chat(IAsyncStreamReader<Packet> requestStream, IServerStreamWriter<Packet> responseStream,
        ServerCallContext context)
    {
        await events.OnCall(context);
        await foreach (var packet in requestStream.ReadAllAsync(context.CancellationToken))
        {
            await responseStream.WriteAsync(packet);
        }
    }

    public override async Task Wait(Packet request, IServerStreamWriter<Packet> responseStream, ServerCallContext context)
    {
        try
        {
            await events.OnCall(context);
            await responseStream.WriteAsync(request);
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            events.WaitEnded(null);
            throw;
        }
    }

    public override Task<Packet> Fail(Packet request, ServerCallContext context) =>
        throw new RpcException(new Status((StatusCode)request.Count, request.Payload.ToStringUtf8()));
}

/// <summary>Packets for tests.</summary>
internal static class Packets
{
    /// <summary>A packet whose payload depends on size and seed only.</summary>
    public static Packet Of(int count, int size = 0, int seed = 1)
    {
        var payload = new byte[size];
        new Random(seed).NextBytes(payload);
        return new Packet { Count = count, Payload = UnsafeByteOperations.UnsafeWrap(payload) };
    }
}

/// <summary>Longest that a test waits for what must happen: generous, since it only matters when something is broken.</summary>
internal static class Within
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
}
