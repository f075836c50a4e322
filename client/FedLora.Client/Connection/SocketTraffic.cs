namespace FedLora.Client.Connection;

/// <summary>Bytes that went over the node's sockets since the program started, everything included: HTTP/2 frames, headers, TLS.</summary>
public sealed class SocketTraffic
{
    private long _sent;
    private long _received;

    /// <summary>Bytes written to sockets.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes read from sockets.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>The counts as the wire says them.</summary>
    public Protocol.V1.Traffic ToMessage() => new() { Sent = (ulong)Sent, Received = (ulong)Received };

    internal void AddSent(int bytes) => Interlocked.Add(ref _sent, bytes);

    internal void AddReceived(int bytes) => Interlocked.Add(ref _received, bytes);
}
