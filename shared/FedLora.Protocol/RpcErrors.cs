using System.Text;
using Grpc.Core;

namespace FedLora.Protocol;

/// <summary>
/// Carries a <see cref="FedLoraException"/> over gRPC: the message as status detail, code and hint as trailers, so that what a
/// user reads at a node or at the command line is what the coordinator meant.
/// </summary>
public static class RpcErrors
{
    private const string CodeKey = "fedlora-code-bin";
    private const string HintKey = "fedlora-hint-bin";

    /// <summary>The error as a gRPC status.</summary>
    public static RpcException ToRpc(FedLoraException error, StatusCode status) => new(
        new Status(status, error.Message),
        new Metadata { { CodeKey, Encoding.UTF8.GetBytes(error.Code) }, { HintKey, Encoding.UTF8.GetBytes(error.Hint) } });

    /// <summary>The status as an error for a user; <paramref name="url"/> is the coordinator that was called.</summary>
    public static FedLoraException FromRpc(RpcException error, string url)
    {
        if (Text(error.Trailers, CodeKey) is { } code)
            return new FedLoraException(code, error.Status.Detail, Text(error.Trailers, HintKey) ?? "", error);
        return error.StatusCode switch
        {
            StatusCode.Unavailable => new FedLoraException("coordinator-unreachable", $"no coordinator answers at {url}: {OneLine(error.Status.Detail)}",
                "check the address and that 'fedlora server' runs there", error),
            StatusCode.DeadlineExceeded => new FedLoraException("coordinator-slow", $"the coordinator at {url} did not answer in time",
                "try again; look at the coordinator's log if it stays so", error),
            _ => new FedLoraException("coordinator-error", $"the coordinator at {url} answered {error.StatusCode}: {OneLine(error.Status.Detail)}",
                "look at the coordinator's log", error),
        };
    }

    private static string? Text(Metadata trailers, string key) => trailers.GetValueBytes(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
