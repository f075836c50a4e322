using System.Net;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Hosting;

/// <summary>How a coordinator runs. A new setting is a property here, a check in <see cref="ServerOptionsValidator"/> and an option of <c>fedlora server</c>.</summary>
public sealed class ServerOptions
{
    /// <summary>Everything that the coordinator keeps lies below this folder.</summary>
    public string Data { get; set; } = "";

    /// <summary>Address to listen on; port 0 takes a free one. Plain http only on loopback.</summary>
    public string Listen { get; set; } = "http://127.0.0.1:5080";

    /// <summary>The address as Kestrel takes it.</summary>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>, <c>listen-insecure</c>.</exception>
    internal IPEndPoint EndPoint()
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

/// <summary>Checks the options before anything starts, whoever hosts the coordinator.</summary>
internal sealed class ServerOptionsValidator : IValidateOptions<ServerOptions>
{
    public ValidateOptionsResult Validate(string? name, ServerOptions options)
    {
        if (options.Data.Length == 0)
            return ValidateOptionsResult.Fail("no data folder is named: set Data");
        try
        {
            _ = options.EndPoint();
            return ValidateOptionsResult.Success;
        }
        catch (FedLoraException error)
        {
            return ValidateOptionsResult.Fail($"{error.Message}: {error.Hint}");
        }
    }
}
