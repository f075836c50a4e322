using System.Net;
using System.Net.Sockets;

namespace FedLora.Tests;

/// <summary>Stands between nodes and a coordinator.</summary>
internal abstract class NodeProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Uri _target;

    /// <param name="target">The coordinator's address.</param>
    protected NodeProxy(string target)
    {
        _target = new Uri(target);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _end.Dispose();
    }

    /// <summary>What a node sends comes by.</summary>
    /// <returns>Whether it goes on to the coordinator; where not, nothing goes on until the node is gone.</returns>
    protected abstract bool Passes(ReadOnlySpan<byte> bytes);

    private async Task AcceptAsync()
    {
        var end = _end.Token;
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(end), end);
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient node, CancellationToken cancellationToken)
    {
        using var from = node;
        using var to = new TcpClient();
        try
        {
            await to.ConnectAsync(_target.Host, _target.Port, cancellationToken);
            await Task.WhenAny(UpAsync(from.GetStream(), to.GetStream(), cancellationToken),
                to.GetStream().CopyToAsync(from.GetStream(), cancellationToken));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or IOException)
        {
            // One side has gone: so does the other.
        }
    }

    private async Task UpAsync(NetworkStream node, NetworkStream coordinator, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        while (await node.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (!Passes(buffer.AsSpan(0, read)))
            {
                await node.CopyToAsync(Stream.Null, cancellationToken);
                return;
            }
            await coordinator.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }
}
