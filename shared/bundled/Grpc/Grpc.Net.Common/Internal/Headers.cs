namespace Grpc.Net.Internal;

/// <summary>Names and values that the protocol gives a meaning (grpc/doc/PROTOCOL-HTTP2.md).</summary>
internal static class Headers
{
    public const string ContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string Identity = "identity";

    /// <summary>Never sent: a program puts the encoding of a call's messages under this key into its headers.</summary>
    public const string RequestedEncoding = "grpc-internal-encoding-request";

    /// <summary>True for application/grpc, application/grpc+proto, application/grpc; charset=utf-8 and the like.</summary>
    public static bool IsGrpc(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';');
}
