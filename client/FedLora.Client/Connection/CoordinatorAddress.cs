using System.Net;
using System.Net.Security;

namespace FedLora.Client.Connection;

/// <summary>Where a coordinator is, and by which way it is reached.</summary>
public sealed class CoordinatorAddress
{
    private readonly IWebProxy? _proxy;

    /// <param name="url">E.g. <c>http://127.0.0.1:5000</c>. Plain HTTP only to loopback.</param>
    /// <param name="proxy">The way out of this network; what the environment names (<c>https_proxy</c>, <c>all_proxy</c>, <c>no_proxy</c>) if not given. Never used for loopback.</param>
    /// <exception cref="FedLoraException"><c>coordinator-url</c>.</exception>
    public CoordinatorAddress(string url, IWebProxy? proxy = null)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FedLoraException("coordinator-url", $"'{url}' is not the address of a coordinator", "write it as http://127.0.0.1:5000 or https://HOST:PORT");
        if (address.Scheme == "http" && !address.IsLoopback)
            throw new FedLoraException("coordinator-url", $"'{url}' would send a credential in the clear over a network", "plain http is for loopback only; use https://");
        (Url, Uri, _proxy) = (url, address, address.IsLoopback ? null : proxy ?? HttpClient.DefaultProxy);
    }

    /// <summary>As it was given.</summary>
    public string Url { get; }

    /// <summary>The same, parsed.</summary>
    public Uri Uri { get; }

    /// <summary>The proxy that calls go through, without credentials; null if they go straight.</summary>
    public string? Proxy => _proxy is { } proxy && !proxy.IsBypassed(Uri) && proxy.GetProxy(Uri) is { } found ? found.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) : null;

    /// <summary>Whether calls go over TLS.</summary>
    public bool IsSecure => Uri.Scheme == "https";

    /// <summary>What sends requests there, counting what passes through its sockets.</summary>
    /// <param name="traffic">Counts.</param>
    /// <param name="tls">Who calls, and whom it trusts; null: nobody, and whom the machine trusts.</param>
    internal SocketsHttpHandler CreateHandler(SocketTraffic traffic, SslClientAuthenticationOptions? tls) => new()
    {
        SslOptions = tls ?? new SslClientAuthenticationOptions(),
        // A renewed certificate is shown by new connections: none is older than this.
        PooledConnectionLifetime = IsSecure ? TimeSpan.FromHours(1) : Timeout.InfiniteTimeSpan,
        UseProxy = _proxy is not null,
        Proxy = _proxy,
        ConnectCallback = (context, cancellationToken) => CountingStream.ConnectAsync(context.DnsEndPoint, traffic, cancellationToken),
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        KeepAlivePingDelay = TimeSpan.FromSeconds(30),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
    };
}
