using System.Net;
using System.Net.Sockets;
using System.Text;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Server.Tests.Certificates;

/// <summary>A site whose way out is a proxy, as in most companies: all that it says to a coordinator elsewhere goes that way.</summary>
public sealed class ProxiedTests
{
    [Fact]
    public async Task A_node_joins_and_calls_a_coordinator_elsewhere_through_the_proxy_alone()
    {
        await using var bench = await TlsBench.StartAsync();
        await using var proxy = new Tunnel(new Uri(bench.Url).Port);
        // A name that nobody resolves but the proxy.
        const string Elsewhere = "https://coordinator.example:5443";
        var address = new CoordinatorAddress(Elsewhere, new WebProxy(proxy.Url));
        using var identity = bench.Identity("a");
        await Joining.JoinAsync(identity, address, await bench.TokenAsync(),
            new EnrolRequest { Name = "a", RequestId = Guid.NewGuid().ToString("N") }, TestContext.Current.CancellationToken);
        var joined = proxy.Connects;
        Assert.NotEmpty(joined);
        Assert.All(joined, line => Assert.Equal("CONNECT coordinator.example:5443 HTTP/1.1", line));

        var before = proxy.BytesUp;
        using var connection = new CoordinatorConnection(Elsewhere, bench.Time, new WebProxy(proxy.Url), identity);
        var reply = await connection.Node.PollTaskAsync(new PollTaskRequest { WaitSeconds = 0, Profile = new NodeProfile() },
            connection.Options(TestContext.Current.CancellationToken, TimeSpan.FromMinutes(1)));
        Assert.Null(reply.Task);
        Assert.Equal(joined.Count + 1, proxy.Connects.Count);
        // A handshake with a certificate and a call; the node counts the head that asks for the tunnel too.
        Assert.InRange(proxy.BytesUp - before, 500, connection.Traffic.Sent);

        await proxy.DisposeAsync();
        using var later = new CoordinatorConnection(Elsewhere, bench.Time, new WebProxy(proxy.Url), identity);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await later.Node.PollTaskAsync(
            new PollTaskRequest { Profile = new NodeProfile() },
            later.Options(TestContext.Current.CancellationToken, TimeSpan.FromMinutes(1))));
        Assert.Contains($"{Elsewhere} through the proxy {proxy.Url}", later.Explain(error).Message, StringComparison.Ordinal);
    }

    /// <summary>Joins whoever asks to one port of this machine, and keeps what was asked.</summary>
    private sealed class Tunnel : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private readonly List<string> _connects = [];
        private readonly int _port;
        private readonly Task _accepting;
        private long _bytesUp;

        internal Tunnel(int port)
        {
            _port = port;
            _listener.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
            _accepting = AcceptAsync();
        }

        internal string Url { get; }

        internal IReadOnlyList<string> Connects
        {
            get
            {
                lock (_connects)
                    return [.. _connects];
            }
        }

        internal long BytesUp => Interlocked.Read(ref _bytesUp);

        public async ValueTask DisposeAsync()
        {
            if (_end.IsCancellationRequested)
                return;
            await _end.CancelAsync();
            _listener.Dispose();
            await _accepting;
        }

        private async Task AcceptAsync()
        {
            var tunnels = new List<Task>();
            try
            {
                while (true)
                    tunnels.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                await Task.WhenAll(tunnels);
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            using var from = client;
            using var to = new TcpClient();
            try
            {
                var asked = await HeadAsync(from.GetStream());
                lock (_connects)
                    _connects.Add(asked);
                await to.ConnectAsync(IPAddress.Loopback, _port, _end.Token);
                await from.GetStream().WriteAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray(), _end.Token);
                await Task.WhenAny(UpAsync(from.GetStream(), to.GetStream()), to.GetStream().CopyToAsync(from.GetStream(), _end.Token));
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or IOException)
            {
                // One side has gone: so does the other.
            }
        }

        // Byte by byte: what follows the head is the tunnel's.
        private async Task<string> HeadAsync(NetworkStream stream)
        {
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, _end.Token) == 1)
                head.Append((char)one[0]);
            return head.ToString().Split("\r\n")[0];
        }

        private async Task UpAsync(NetworkStream from, NetworkStream to)
        {
            var buffer = new byte[8192];
            while (await from.ReadAsync(buffer, _end.Token) is > 0 and var read)
            {
                Interlocked.Add(ref _bytesUp, read);
                await to.WriteAsync(buffer.AsMemory(0, read), _end.Token);
            }
        }
    }
}
