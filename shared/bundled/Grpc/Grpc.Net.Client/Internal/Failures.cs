using System.Net.Sockets;
using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>What exceptions of the transport say of a call: pure functions.</summary>
internal static class Failures
{
    public static Status ToStatus(Exception exception) => exception switch
    {
        RpcException rpc => rpc.Status,
        OperationCanceledException => new Status(StatusCode.Cancelled, "", exception),
        _ => new Status(Code(exception), $"Error starting gRPC call. {Describe(exception)}", exception),
    };

    /// <summary>
    /// A stream that was reset says why by its HTTP/2 error code (grpc/doc/PROTOCOL-HTTP2.md, Errors). A connection that ended
    /// (refused, reset, GOAWAY, no answer to a ping) is UNAVAILABLE: the call may be tried again.
    /// </summary>
    private static StatusCode Code(Exception exception)
    {
        var chain = Chain(exception).ToArray();
        if (chain.OfType<HttpProtocolException>().FirstOrDefault(ResetsStream) is { } reset) return FromHttp2(reset.ErrorCode);
        return chain.Any(link => link is SocketException or IOException) ? StatusCode.Unavailable : StatusCode.Internal;
    }

    // The runtime has one exception type for a reset stream and an ended connection; only the text tells them apart.
    private static bool ResetsStream(HttpProtocolException exception) =>
        exception.Message.Contains("reset the stream", StringComparison.OrdinalIgnoreCase);

    private static StatusCode FromHttp2(long code) => code switch
    {
        0x7 => StatusCode.Unavailable, // REFUSED_STREAM
        0x8 => StatusCode.Cancelled, // CANCEL
        0xb => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xc => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        _ => StatusCode.Internal,
    };

    private static string Describe(Exception exception) =>
        string.Join(" ", Chain(exception).Select(link => $"{link.GetType().Name}: {link.Message}"));

    private static IEnumerable<Exception> Chain(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException) yield return exception;
    }
}
