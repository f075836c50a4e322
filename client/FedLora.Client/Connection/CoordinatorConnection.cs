using System.Net;
using System.Net.Sockets;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace FedLora.Client.Connection;

/// <summary>
/// The connection to one coordinator: channel, service stubs, credential and the count of bytes on the socket. The channel reconnects by
/// itself; calls fail with UNAVAILABLE until it has.
/// </summary>
public sealed class CoordinatorConnection : IDisposable
{
    private readonly GrpcChannel channel;
    private readonly TimeProvider time;

    /// <param name="url">E.g. <c>http://127.0.0.1:5000</c>. Plain HTTP only to loopback.</param>
    /// <param name="time">Clock of the calls' deadlines; the system's if not given.</param>
    /// <exception cref="FedLoraException"><c>coordinator-url</c>.</exception>
    public CoordinatorConnection(string url, TimeProvider? time = null)
    {
        Url = url;
        this.time = time ?? TimeProvider.System;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FedLoraException("coordinator-url", $"'{url}' is not the address of a coordinator", "write it as http://127.0.0.1:5000 or https://HOST:PORT");
        if (address.Scheme == "http" && !address.IsLoopback)
            throw new FedLoraException("coordinator-url", $"'{url}' would send a credential in the clear over a network", "plain http is for loopback only; use a tunnel or https://");
        channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = ConnectAsync,
                ConnectTimeout = TimeSpan.FromSeconds(10),
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                KeepAlivePingDelay = TimeSpan.FromSeconds(30),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
            },
            DisposeHttpClient = true,
        });
        Enrolment = new Enrolment.EnrolmentClient(channel);
        Node = new Node.NodeClient(channel);
        Admin = new Admin.AdminClient(channel);
    }

    /// <summary>The coordinator's address as it was given.</summary>
    public string Url { get; }

    /// <summary>Bytes on the socket so far.</summary>
    public SocketTraffic Traffic { get; } = new();

    public Enrolment.EnrolmentClient Enrolment { get; }

    public Node.NodeClient Node { get; }

    public Admin.AdminClient Admin { get; }

    /// <summary>Sent with every call; null before enrolment.</summary>
    public string? Credential { get; set; }

    /// <summary>Options of one call.</summary>
    /// <param name="cancellation">The caller's.</param>
    /// <param name="limit">How long the whole call may take; null for calls that are bounded by idle time.</param>
    public CallOptions Options(CancellationToken cancellation, TimeSpan? limit = null) => new(
        Credential is { } credential ? Bearer.Of(credential) : [],
        limit is { } span ? time.GetUtcNow().UtcDateTime + span : null,
        cancellation);

    /// <inheritdoc/>
    public void Dispose() => channel.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (IPAddress.TryParse(context.DnsEndPoint.Host, out var address))
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancellation);
            else
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new CountingStream(new NetworkStream(socket, ownsSocket: true), Traffic);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
