using Grpc.Core;

namespace FedLora.Protocol;

/// <summary>The credential that travels with every call where there is no TLS identity: <c>authorization: Bearer CREDENTIAL</c>.</summary>
public static class Bearer
{
    private const string Key = "authorization";
    private const string Prefix = "Bearer ";

    /// <summary>Metadata for one call.</summary>
    public static Metadata Of(string credential) => new() { { Key, Prefix + credential } };

    /// <summary>The credential in a call's <c>authorization</c> header, or null.</summary>
    public static string? Read(string? header) =>
        header?.StartsWith(Prefix, StringComparison.Ordinal) is true ? header[Prefix.Length..] : null;
}
