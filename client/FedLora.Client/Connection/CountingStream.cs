using System.Net;
using System.Net.Sockets;

namespace FedLora.Client.Connection;

/// <summary>Counts what passes between HTTP and the socket.</summary>
internal sealed class CountingStream(Stream socket, SocketTraffic traffic) : Stream
{
    /// <summary>Opens a socket.</summary>
    internal static async ValueTask<CountingStream> ConnectAsync(DnsEndPoint to, SocketTraffic traffic, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (IPAddress.TryParse(to.Host, out var address))
                await socket.ConnectAsync(new IPEndPoint(address, to.Port), cancellationToken);
            else
                await socket.ConnectAsync(to, cancellationToken);
            return new CountingStream(new NetworkStream(socket, ownsSocket: true), traffic);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whether anything came from the other side.</summary>
    internal bool HasReceived { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var read = socket.Read(buffer);
        Received(read);
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await socket.ReadAsync(buffer, cancellationToken);
        Received(read);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        socket.Write(buffer);
        traffic.AddSent(buffer.Length);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await socket.WriteAsync(buffer, cancellationToken);
        traffic.AddSent(buffer.Length);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => socket.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => socket.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await socket.DisposeAsync();
        await base.DisposeAsync();
    }

    private void Received(int bytes)
    {
        HasReceived |= bytes > 0;
        traffic.AddReceived(bytes);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            socket.Dispose();
        base.Dispose(disposing);
    }
}
