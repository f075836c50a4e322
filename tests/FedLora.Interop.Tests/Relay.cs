using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FedLora.Interop.Tests;

/// <summary>Carries bytes between a client and a server, until it is told to lose them.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Socket> _near = [];
    private readonly ConcurrentBag<Socket> _far = [];
    private readonly Task _accepting;

    private Relay(Uri target)
    {
        Target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Target { get; set; }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Connections stay open and nothing comes through.</summary>
    public bool IsSilent { get; set; }

    public static Relay To(string address) => new(new Uri(address));

    /// <summary>Resets the connections of clients (TCP RST); those to the server follow.</summary>
    public void Reset()
    {
        foreach (var socket in _near)
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            socket.Close();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var socket in _near.Concat(_far)) socket.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptSocketAsync();
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                _near.Add(near);
                _far.Add(far);
                _ = CarryAsync(near, far, connect: true);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The listener was stopped.
        }
    }

    private async Task CarryAsync(Socket from, Socket to, bool connect = false)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            if (connect)
            {
                await to.ConnectAsync(Target.Host, Target.Port);
                _ = CarryAsync(to, from);
            }

            while (await from.ReceiveAsync(buffer) is var count and > 0)
            {
                if (!IsSilent) await to.SendAsync(buffer.AsMemory(0, count));
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
