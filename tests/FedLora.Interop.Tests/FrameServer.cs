using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace FedLora.Interop.Tests;

/// <summary>An HTTP/2 server of a few lines: answers the headers of each request with one frame, and hangs up if told so.</summary>
internal sealed class FrameServer : IAsyncDisposable
{
    private const byte HeadersFrame = 1, ResetFrame = 3, SettingsFrame = 4, GoAwayFrame = 7;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<uint, byte[]> _answer;
    private readonly bool _hangUp;
    private readonly Task _accepting;

    private FrameServer(Func<uint, byte[]> answer, bool hangUp)
    {
        (_answer, _hangUp) = (answer, hangUp);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Resets every stream with this HTTP/2 error code.</summary>
    public static FrameServer Resets(uint code) => new(stream => Frame(ResetFrame, stream, Words(code)), hangUp: false);

    /// <summary>Says GOAWAY and closes the connection; the last stream is the last that it says to have looked at.</summary>
    public static FrameServer GoesAway(uint code, uint lastStream) => new(_ => Frame(GoAwayFrame, 0, Words(lastStream, code)), hangUp: true);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using var connection = client;
            var stream = connection.GetStream();
            await stream.ReadExactlyAsync(new byte["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length], _stop.Token);
            await stream.WriteAsync(Frame(SettingsFrame, 0, []), _stop.Token);
            var header = new byte[9];
            while (true)
            {
                await stream.ReadExactlyAsync(header, _stop.Token);
                await stream.ReadExactlyAsync(new byte[(header[0] << 16) | (header[1] << 8) | header[2]], _stop.Token);
                if (header[3] != HeadersFrame) continue;
                await stream.WriteAsync(_answer(BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(5))), _stop.Token);
                if (_hangUp) return;
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The client or the test has hung up.
        }
    }

    private static byte[] Frame(byte type, uint stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[2] = (byte)payload.Length;
        frame[3] = type;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static byte[] Words(params uint[] values)
    {
        var bytes = new byte[4 * values.Length];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4 * i), values[i]);
        return bytes;
    }
}
