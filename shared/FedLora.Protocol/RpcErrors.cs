using System.Text;
using System.Text.RegularExpressions;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace FedLora.Protocol;

/// <summary>
/// Carries a <see cref="FedLoraException"/> over gRPC: the message as status detail, code and hint as <c>google.rpc.ErrorInfo</c> in the
/// rich status, so that what a user reads at a node or at the command line is what the coordinator meant. They go as trailers of their own
/// too, as programs of before the rich status read them.
/// </summary>
public static partial class RpcErrors
{
    private const string Domain = "fedlora";
    private const string HintKey = "hint";
    private const string CodeTrailer = "fedlora-code-bin";
    private const string HintTrailer = "fedlora-hint-bin";

    /// <summary>The error as a gRPC status.</summary>
    public static RpcException ToRpc(FedLoraException error, StatusCode status)
    {
        var info = new ErrorInfo { Reason = error.Code, Domain = Domain, Metadata = { { HintKey, error.Hint } } };
        var rpc = new Google.Rpc.Status { Code = (int)status, Message = error.Message, Details = { Any.Pack(info) } }.ToRpcException();
        rpc.Trailers.Add(CodeTrailer, Encoding.UTF8.GetBytes(error.Code));
        rpc.Trailers.Add(HintTrailer, Encoding.UTF8.GetBytes(error.Hint));
        return rpc;
    }

    /// <summary>The status as an error for a user.</summary>
    /// <param name="error">What the call threw.</param>
    /// <param name="url">The coordinator that was called.</param>
    /// <param name="proxy">The proxy that the call went through; null if it went straight.</param>
    public static FedLoraException FromRpc(RpcException error, string url, string? proxy = null)
    {
        if (Told(error) is var (code, hint))
            return new FedLoraException(code, error.Status.Detail, hint, error);
        return error.StatusCode switch
        {
            _ when proxy is not null && error.Status.DebugException is HttpRequestException =>
                new FedLoraException("coordinator-unreachable",
                    $"no coordinator answers at {url} through the proxy {proxy}: {OneLine(error.Status.Detail)}",
                    "check the proxy (https_proxy, all_proxy), or name the coordinator's host in no_proxy where it needs none", error),
            StatusCode.Unavailable =>
                new FedLoraException("coordinator-unreachable", $"no coordinator answers at {url}: {OneLine(error.Status.Detail)}",
                    "check the address, and that a coordinator runs there", error),
            StatusCode.DeadlineExceeded => new FedLoraException("coordinator-slow", $"the coordinator at {url} did not answer in time",
                "try again; look at the coordinator's log if it stays so", error),
            _ => new FedLoraException("coordinator-error",
                $"the coordinator at {url} answered {error.StatusCode}: {OneLine(error.Status.Detail)}",
                "look at the coordinator's log", error),
        };
    }

    /// <summary>Whether the coordinator said no, for good: not that it cannot now, nor that nobody answers.</summary>
    public static bool IsRefusal(RpcException error) => Told(error) is not null
        && error.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.AlreadyExists
            or StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.NotFound;

    private static (string Code, string Hint)? Told(RpcException error)
    {
        if (error.GetRpcStatus()?.GetDetail<ErrorInfo>() is { Domain: Domain } info)
            return (info.Reason, info.Metadata.TryGetValue(HintKey, out var hint) ? hint : "");
        return Text(error.Trailers, CodeTrailer) is { } code ? (code, Text(error.Trailers, HintTrailer) ?? "") : null;
    }

    private static string? Text(Metadata trailers, string key) =>
        trailers.GetValueBytes(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    // .NET writes a proxy's address with its password.
    private static string OneLine(string text) => UserOfAddress().Replace(text.ReplaceLineEndings(" "), "");

    [GeneratedRegex("(?<=://)[^/@'\"\\s]+@", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UserOfAddress();
}
