using System.Net;
using System.Net.Security;

namespace FedLora.Client.Connection;

/// <summary>Where a coordinator is, and by which way it is reached.</summary>
public sealed class CoordinatorAddress
{
    private static readonly TimeSpan Handshake = TimeSpan.FromSeconds(5);
    private readonly IWebProxy? _proxy;
    private readonly List<DnsEndPoint> _all;

    /// <param name="url">E.g. <c>http://127.0.0.1:5000</c>; of a cluster several, with commas between: any of them will do. Plain HTTP only
    /// to loopback.</param>
    /// <param name="proxy">The way out of this network; what the environment names (<c>https_proxy</c>, <c>all_proxy</c>, <c>no_proxy</c>)
    /// if not given. Never used for loopback.</param>
    /// <exception cref="FedLoraException"><c>coordinator-url</c>.</exception>
    public CoordinatorAddress(string url, IWebProxy? proxy = null)
    {
        var parsed = url.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(one => Parse(url, one))
            .ToList();
        var address = parsed.Count > 0 ? parsed[0] : Parse(url, url);
        if (parsed.Exists(one => one.Scheme != address.Scheme))
            throw new FedLoraException("coordinator-url", $"'{url}' mixes http and https",
                "write all addresses of the cluster as https://HOST:PORT");
        _all = parsed.ConvertAll(one => new DnsEndPoint(one.IdnHost.Trim('[', ']'), one.Port));
        (Url, Uri, _proxy) = (url, address, address.IsLoopback ? null : proxy ?? HttpClient.DefaultProxy);
    }

    private static Uri Parse(string url, string one)
    {
        if (!Uri.TryCreate(one, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FedLoraException("coordinator-url", $"'{url}' is not the address of a coordinator",
                "write it as http://127.0.0.1:5000 or https://HOST:PORT");
        if (address.Scheme == "http" && !address.IsLoopback)
            throw new FedLoraException("coordinator-url", $"'{url}' would send a credential in the clear over a network",
                "plain http is for loopback only; use https://");
        return address;
    }

    /// <summary>As it was given.</summary>
    public string Url { get; }

    /// <summary>The same, parsed.</summary>
    public Uri Uri { get; }

    /// <summary>The proxy that calls go through, without credentials; null if they go straight.</summary>
    public string? Proxy =>
        _proxy is { } proxy && !proxy.IsBypassed(Uri) && proxy.GetProxy(Uri) is { } found
            ? found.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) : null;

    /// <summary>Whether calls go over TLS.</summary>
    public bool IsSecure => Uri.Scheme == "https";

    /// <summary>What sends requests there, counting what passes through its sockets.</summary>
    /// <param name="traffic">Counts.</param>
    /// <param name="tls">Who calls, and whom it trusts; null: nobody, and whom the machine trusts.</param>
    /// <param name="time">Clock of the limits; the system's if not given.</param>
    internal HttpMessageHandler CreateHandler(SocketTraffic traffic, SslClientAuthenticationOptions? tls, TimeProvider? time = null)
    {
        var addresses = new AddressList(_all, (to, cancellationToken) => CountingStream.ConnectAsync(to, traffic, cancellationToken),
            time ?? TimeProvider.System);
        return new SentOnce(new SocketsHttpHandler
        {
            SslOptions = tls ?? new SslClientAuthenticationOptions(),
            // A renewed certificate is shown by new connections: none is older than this.
            PooledConnectionLifetime = IsSecure ? TimeSpan.FromHours(1) : Timeout.InfiniteTimeSpan,
            UseProxy = _proxy is not null,
            Proxy = _proxy,
            ConnectCallback = (context, cancellationToken) => ConnectAsync(addresses, context.DnsEndPoint, traffic, cancellationToken),
            // With the handshake.
            ConnectTimeout = addresses.Longest + Handshake,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
        });
    }

    private async ValueTask<Stream> ConnectAsync(AddressList addresses, DnsEndPoint to, SocketTraffic traffic,
        CancellationToken cancellationToken)
    {
        // By way of a proxy the connection is to that.
        var isDirect = to.Host.Trim('[', ']').Equals(_all[0].Host, StringComparison.OrdinalIgnoreCase) && to.Port == _all[0].Port;
        return isDirect ? await addresses.ConnectAsync(cancellationToken)
            : await CountingStream.ConnectAsync(to, traffic, cancellationToken);
    }
}
