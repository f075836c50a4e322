using System.Net;
using System.Net.Sockets;

namespace FedLora.EndToEnd.Tests;

/// <summary>Stands between nodes and their coordinator; can stand still in the middle of what a node sends.</summary>
internal sealed class StallingProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Uri _target;
    private long _left = long.MaxValue;
    private long _sent;
    private TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public StallingProxy(string target)
    {
        _target = new Uri(target);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Bytes that nodes have sent through it.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Lets so many more bytes through from the nodes, then none; returns when it stands still.</summary>
    public Task StallAfterAsync(long bytes)
    {
        _stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _left, bytes);
        return _stalled.Task;
    }

    /// <summary>Lets everything through that comes on new connections.</summary>
    public void GoOn() => Interlocked.Exchange(ref _left, long.MaxValue);

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var end = _end.Token;
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(end), end);
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
            Interlocked.Add(ref _sent, read);
            if (Interlocked.Add(ref _left, -read) <= 0)
            {
                _stalled.TrySetResult();
                // Until the node is gone.
                await node.CopyToAsync(Stream.Null, cancellationToken);
                return;
            }

            await coordinator.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }
}
