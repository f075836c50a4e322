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

    /// <summary>Whether the pages have TLS.</summary>
    internal static bool IsSecure(string url) => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Pages over TLS show the coordinator's certificate and ask for one of its authority.</summary>
    /// <param name="listen">The coordinator's address.</param>
    /// <param name="url">The pages'.</param>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>: it has neither.</exception>
    internal static void RequireTls(string listen, string url)
    {
        if (!IsSecure(listen))
            throw new FedLoraException("listen-invalid",
                $"the dashboard cannot be served at {url}: a coordinator that listens at {listen} has no certificates",
                "listen on https://IP:PORT too, or serve the dashboard at http://127.0.0.1:PORT");
    }

    /// <summary>The address as people reach it: where it is every address of the machine, by the machine's name.</summary>
    internal static string Reached(string address) =>
        address.Replace("://0.0.0.0:", $"://{Dns.GetHostName()}:", StringComparison.Ordinal)
            .Replace("://[::]:", $"://{Dns.GetHostName()}:", StringComparison.Ordinal);

    /// <summary>The address as Kestrel takes it.</summary>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>, <c>listen-insecure</c>, <c>port-in-use</c>: said before anything starts
    /// that would have to be stopped again.</exception>
    internal static IPEndPoint EndPoint(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FedLoraException("listen-invalid", $"'{url}' is not an address to serve the dashboard at",
                "write it as http://127.0.0.1:5081, https://IP:PORT, or off; port 0 takes a free one");
        if (address.Scheme == "http" && !address.IsLoopback)
        {
            throw new FedLoraException("listen-insecure", $"'{url}' is not loopback: plain http would send sessions in the clear",
                $"serve it at https://{address.Authority}, or at http://127.0.0.1:PORT with an SSH tunnel or a TLS proxy before it");
        }
        if (!IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && !address.IsLoopback)
            throw new FedLoraException("listen-invalid", $"'{url}' names no address of this machine",
                "write an IP address: 0.0.0.0 is all of IPv4, [::] all");
        var endpoint = new IPEndPoint(ip ?? IPAddress.Loopback, address.Port);
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
