using System.Net;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Hosting;

/// <summary>
/// How a coordinator runs. A new setting is a property here, a check in <see cref="ServerOptionsValidator"/> and an option of
/// <c>fedlora server</c>.
/// </summary>
public sealed class ServerOptions
{
    /// <summary>Everything that the coordinator keeps lies below this folder.</summary>
    public string Data { get; set; } = "";

    /// <summary>Address to listen on; port 0 takes a free one. Plain http only on loopback.</summary>
    public string Listen { get; set; } = "https://127.0.0.1:5080";

    /// <summary>
    /// PEM file of the certificate (and its chain) to show instead of one of the coordinator's own authority; nodes then trust whom their
    /// machines trust.
    /// </summary>
    public string? Certificate { get; set; }

    /// <summary>PEM file of its key.</summary>
    public string? CertificateKey { get; set; }

    /// <summary>
    /// Connection to the PostgreSQL database that this coordinator shares with others of its cluster, e.g.
    /// <c>Host=db;Database=fedlora;Username=fedlora</c>; null: it is alone, and keeps everything in its data folder.
    /// </summary>
    public string? Postgres { get; set; }

    /// <summary>
    /// Where the other coordinators of the cluster reach this one's silo; port 0 takes a free one. Not encrypted: a network of their own.
    /// </summary>
    public string Silo { get; set; } = "127.0.0.1:0";

    /// <summary>Port, at the address of <see cref="Silo"/>, at which frontends reach this coordinator; 0 takes a free one.</summary>
    public int Gateway { get; set; }

    /// <summary>
    /// Whether it runs no silo: it takes calls and uploads for the coordinators of its cluster, whose grains it asks. Needs
    /// <see cref="Postgres"/>.
    /// </summary>
    public bool Frontend { get; set; }

    /// <summary>The silo's address.</summary>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>.</exception>
    internal IPEndPoint SiloEndPoint() =>
        IPEndPoint.TryParse(Silo, out var endpoint) && !endpoint.Address.Equals(IPAddress.Any)
            && !endpoint.Address.Equals(IPAddress.IPv6Any) ? endpoint
            : throw new FedLoraException("listen-invalid", $"'{Silo}' is not an address at which other coordinators reach this one",
                "write --silo IP:PORT, with an address of this machine's own");

    /// <summary>Whether it speaks TLS.</summary>
    internal bool IsSecure => Listen.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    /// <summary>A join token as it is given out: with what it takes to know this coordinator, where that is its own authority.</summary>
    internal string Pinned(string secret, Lazy<Certificates.CertificateAuthority> authority) =>
        IsSecure && Certificate is null ? $"{secret}.{authority.Value.Fingerprint}" : secret;

    /// <summary>The address as Kestrel takes it.</summary>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>, <c>listen-insecure</c>, <c>certificate-invalid</c>.</exception>
    internal IPEndPoint EndPoint()
    {
        if (!Uri.TryCreate(Listen, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new FedLoraException("listen-invalid", $"'{Listen}' is not an address to listen on",
                "write it as http://127.0.0.1:5080; port 0 takes a free one");
        if (address.Scheme == "http" && !address.IsLoopback)
            throw new FedLoraException("listen-insecure", $"'{Listen}' is not loopback: plain http would send credentials in the clear",
                $"listen on https://{address.Authority}");
        if (Certificate is null != CertificateKey is null)
            throw new FedLoraException("certificate-invalid", "a certificate of your own needs its key, and a key its certificate",
                "give --certificate FILE and --certificate-key FILE");
        if (address.IsLoopback && !IPAddress.TryParse(address.Host, out _))
            return new IPEndPoint(IPAddress.Loopback, address.Port);
        return IPAddress.TryParse(address.Host, out var ip) ? new IPEndPoint(ip, address.Port)
            : throw new FedLoraException("listen-invalid", $"'{Listen}' names no address of this machine",
                "write an IP address: 0.0.0.0 is all of IPv4, [::] all");
    }
}

/// <summary>Checks the options before anything starts, whoever hosts the coordinator.</summary>
internal sealed class ServerOptionsValidator : IValidateOptions<ServerOptions>
{
    public ValidateOptionsResult Validate(string? name, ServerOptions options)
    {
        if (options.Data.Length == 0)
            return ValidateOptionsResult.Fail("no data folder is named: set Data");
        if (options.Frontend && options.Postgres is null)
            return ValidateOptionsResult.Fail("a frontend needs the database of its cluster: set Postgres");
        try
        {
            _ = options.EndPoint();
            _ = options.SiloEndPoint();
            return ValidateOptionsResult.Success;
        }
        catch (FedLoraException error)
        {
            return ValidateOptionsResult.Fail($"{error.Message}: {error.Hint}");
        }
    }
}
