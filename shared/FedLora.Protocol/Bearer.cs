using Grpc.Core;

namespace FedLora.Protocol;

/// <summary>The credential that travels with every call where there is no TLS identity: <c>authorization: Bearer CREDENTIAL</c>.</summary>
public static class Bearer
{
    private const string Key = "authorization";
    private const string Prefix = "Bearer ";

    /// <summary>Metadata for one call.</summary>
    public static Metadata Of(string credential) => new() { { Key, Prefix + credential } };

    /// <summary>The credential in the metadata of a call, or null.</summary>
    public static string? Read(Metadata metadata) =>
        metadata.GetValue(Key) is { } value && value.StartsWith(Prefix, StringComparison.Ordinal) ? value[Prefix.Length..] : null;
}
