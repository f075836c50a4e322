using System.Net;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace FedLora.Client.Connection;

/// <summary>
/// The connection to one coordinator: service stubs, credential and the count of bytes on the socket. Its channel reconnects by itself; calls
/// fail with UNAVAILABLE until it has.
/// </summary>
public sealed class CoordinatorConnection : IDisposable
{
    private readonly CoordinatorAddress _address;
    private readonly CoordinatorCalls _calls;
    private readonly GrpcChannel? _channel;
    private readonly TimeProvider _time;

    /// <summary>Over a channel of its own.</summary>
    /// <param name="url">E.g. <c>http://127.0.0.1:5000</c>. Plain HTTP only to loopback.</param>
    /// <param name="time">Clock of the calls' deadlines; the system's if not given.</param>
    /// <param name="proxy">As in <see cref="CoordinatorAddress"/>.</param>
    /// <exception cref="FedLoraException"><c>coordinator-url</c>.</exception>
    public CoordinatorConnection(string url, TimeProvider? time = null, IWebProxy? proxy = null)
    {
        _address = new CoordinatorAddress(url, proxy);
        _time = time ?? TimeProvider.System;
        Traffic = new SocketTraffic();
        _channel = GrpcChannel.ForAddress(_address.Uri, new GrpcChannelOptions { HttpHandler = _address.CreateHandler(Traffic), DisposeHttpClient = true });
        _calls = new CoordinatorCalls(_channel.CreateCallInvoker());
    }

    /// <summary>Over calls that a host has made, which it also ends.</summary>
    internal CoordinatorConnection(CoordinatorAddress address, CoordinatorCalls calls, SocketTraffic traffic, TimeProvider time) =>
        (_address, _calls, Traffic, _time) = (address, calls, traffic, time);

    /// <summary>The coordinator's address as it was given.</summary>
    public string Url => _address.Url;

    /// <summary>Bytes on the socket so far.</summary>
    public SocketTraffic Traffic { get; }

    public Enrolment.EnrolmentClient Enrolment => _calls.Enrolment;

    public Node.NodeClient Node => _calls.Node;

    public Admin.AdminClient Admin => _calls.Admin;

    public Upkeep.UpkeepClient Upkeep => _calls.Upkeep;

    /// <summary>Sent with every call; null before enrolment.</summary>
    public string? Credential { get; set; }

    /// <summary>Options of one call.</summary>
    /// <param name="cancellationToken">The caller's.</param>
    /// <param name="limit">How long the whole call may take; null for calls that are bounded by idle time.</param>
    public CallOptions Options(CancellationToken cancellationToken, TimeSpan? limit = null) => new(
        Credential is { } credential ? Bearer.Of(credential) : [],
        limit is { } span ? _time.GetUtcNow().UtcDateTime + span : null,
        cancellationToken);

    /// <summary>What a failed call is to a user.</summary>
    public FedLoraException Explain(RpcException error) => RpcErrors.FromRpc(error, Url, _address.Proxy);

    /// <inheritdoc/>
    public void Dispose() => _channel?.Dispose();
}
