using System.Net;

namespace FedLora.Server.Hosting;

/// <summary>How a coordinator runs. A new setting is a property here, a check in <see cref="Check"/> and an option of <c>fedlora server</c>.</summary>
public sealed record ServerOptions
{
    /// <summary>Everything that the coordinator keeps lies below this folder.</summary>
    public required string Data { get; init; }

    /// <summary>Address to listen on; port 0 takes a free one. Plain http only on loopback.</summary>
    public string Listen { get; init; } = "http://127.0.0.1:5080";

    /// <summary>The address as Kestrel takes it.</summary>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>, <c>listen-insecure</c>.</exception>
    internal IPEndPoint Check()
    {
        if (!Uri.TryCreate(Listen, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FedLoraException("listen-invalid", $"'{Listen}' is not an address to listen on", "write it as http://127.0.0.1:5080; port 0 takes a free one");
        if (address.Scheme == "https" || !address.IsLoopback)
        {
            throw new FedLoraException("listen-insecure", $"'{Listen}' is not loopback, and this version has no TLS of its own",
                "listen on http://127.0.0.1:PORT and let nodes come through an SSH or TLS tunnel");
        }
        return new IPEndPoint(IPAddress.TryParse(address.Host, out var ip) ? ip : IPAddress.Loopback, address.Port);
    }
}
