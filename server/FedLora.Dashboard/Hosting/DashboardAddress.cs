using System.Net;
using System.Net.Sockets;

namespace FedLora.Dashboard.Hosting;

/// <summary>Where the pages are served.</summary>
public static class DashboardAddress
{
    /// <summary>The word that says nowhere.</summary>
    public const string Off = "off";

    /// <summary>Beside the coordinator's own address: the next port on loopback, or a free one where that has none of its own.</summary>
    /// <param name="listen">The coordinator's address.</param>
    public static string Beside(string listen) =>
        Uri.TryCreate(listen, UriKind.Absolute, out var address)
            ? $"http://127.0.0.1:{(address.Port is 0 or 65_535 ? 0 : address.Port + 1)}" : listen;

    /// <summary>The address as Kestrel takes it.</summary>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>, <c>listen-insecure</c>, <c>port-in-use</c>: said before anything starts
    /// that would have to be stopped again.</exception>
    internal static IPEndPoint EndPoint(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FedLoraException("listen-invalid", $"'{url}' is not an address to serve the dashboard at",
                "write it as http://127.0.0.1:5081, or off; port 0 takes a free one");
        if (address.Scheme == "https" || !address.IsLoopback)
        {
            throw new FedLoraException("listen-insecure", $"'{url}' is not loopback, and the dashboard has no TLS of its own",
                "serve it at http://127.0.0.1:PORT and put a TLS proxy or an SSH tunnel before it");
        }
        var endpoint = new IPEndPoint(IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) ? ip : IPAddress.Loopback, address.Port);
        using var probe = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(endpoint);
        }
        catch (SocketException error)
        {
            throw new FedLoraException("port-in-use", $"cannot serve the dashboard at {url}: {error.Message}",
                "choose another address with --dashboard, or --dashboard off", error);
        }
        return endpoint;
    }
}
