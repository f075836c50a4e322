using System.Net;
using System.Net.Security;
using FedLora.Protocol;
using FedLora.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace FedLora.Client.Connection;

/// <summary>
/// The connection to one coordinator: service stubs, credential and the count of bytes on the socket. Its channel reconnects by itself;
/// calls fail with UNAVAILABLE until it has.
/// </summary>
public sealed class CoordinatorConnection : IDisposable
{
    private readonly CoordinatorAddress _address;
    private readonly CoordinatorCalls _calls;
    private readonly PeerIdentity? _identity;
    private readonly GrpcChannel? _channel;
    private readonly TimeProvider _time;

    /// <summary>Over a channel of its own.</summary>
    /// <param name="url">E.g. <c>http://127.0.0.1:5000</c>. Plain HTTP only to loopback.</param>
    /// <param name="time">Clock of the calls' deadlines; the system's if not given.</param>
    /// <param name="proxy">As in <see cref="CoordinatorAddress"/>.</param>
    /// <param name="identity">Who calls over TLS, and whom it trusts.</param>
    /// <exception cref="FedLoraException"><c>coordinator-url</c>.</exception>
    public CoordinatorConnection(string url, TimeProvider? time = null, IWebProxy? proxy = null, PeerIdentity? identity = null)
        : this(new CoordinatorAddress(url, proxy), identity, time)
    {
    }

    /// <summary>The same to an address.</summary>
    /// <param name="address">The coordinator's.</param>
    /// <param name="identity">As above.</param>
    /// <param name="time">As above.</param>
    /// <param name="tls">Another way to trust than the identity's.</param>
    internal CoordinatorConnection(CoordinatorAddress address, PeerIdentity? identity, TimeProvider? time = null,
        SslClientAuthenticationOptions? tls = null)
    {
        (_address, _identity) = (address, identity);
        _time = time ?? TimeProvider.System;
        Traffic = new SocketTraffic();
        _channel = GrpcChannel.ForAddress(_address.Uri,
            new GrpcChannelOptions
            {
                HttpHandler = _address.CreateHandler(Traffic, tls ?? identity?.Options(), _time),
                DisposeHttpClient = true,
            });
        _calls = new CoordinatorCalls(_channel.CreateCallInvoker());
    }

    /// <summary>Over calls that a host has made, which it also ends.</summary>
    internal CoordinatorConnection(CoordinatorAddress address, PeerIdentity identity, CoordinatorCalls calls, SocketTraffic traffic,
        TimeProvider time) =>
            (_address, _identity, _calls, Traffic, _time) = (address, identity, calls, traffic, time);

    /// <summary>The coordinator's address as it was given.</summary>
    public string Url => _address.Url;

    /// <summary>Bytes on the socket so far.</summary>
    public SocketTraffic Traffic { get; }

    public Enrolment.EnrolmentClient Enrolment => _calls.Enrolment;

    public Node.NodeClient Node => _calls.Node;

    public Admin.AdminClient Admin => _calls.Admin;

    public Upkeep.UpkeepClient Upkeep => _calls.Upkeep;

    /// <summary>Sent with every call where there is no TLS; null before enrolment.</summary>
    public string? Credential { get; set; }

    /// <summary>Options of one call.</summary>
    /// <param name="cancellationToken">The caller's.</param>
    /// <param name="limit">How long the whole call may take; null for calls that are bounded by idle time.</param>
    public CallOptions Options(CancellationToken cancellationToken, TimeSpan? limit = null) => new(
        Credential is { } credential && !_address.IsSecure ? Bearer.Of(credential) : [],
        limit is { } span ? _time.GetUtcNow().UtcDateTime + span : null,
        cancellationToken);

    /// <summary>What a failed call is to a user.</summary>
    public FedLoraException Explain(RpcException error) =>
        Cause<System.Security.Authentication.AuthenticationException>(error) is not null && _identity?.Distrust is { } why
            ? PeerIdentity.Other($"what answers at {Url} is not this program's coordinator: {why}")
        : Explain(error, Url, _address.Proxy);

    /// <summary>The same of a call over a connection that is gone.</summary>
    public static FedLoraException Explain(RpcException error, string url, string? proxy = null) =>
        Cause<NoAddressException>(error) is { } none
            ? new FedLoraException("coordinator-unreachable", $"no coordinator answers at {url}: {none.Message}",
                "check the address, and that a coordinator runs there", error)
            : RpcErrors.FromRpc(error, url, proxy);

    private static T? Cause<T>(RpcException error)
        where T : Exception
    {
        for (var cause = error.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is T found)
                return found;
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _channel?.Dispose();
}
