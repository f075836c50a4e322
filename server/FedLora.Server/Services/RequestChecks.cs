using FedLora.Protocol.Transfer;
using FedLora.Server.Authentication;
using Grpc.Core;

namespace FedLora.Server.Services;

/// <summary>What a request must say before a grain is asked.</summary>
internal static class RequestChecks
{
    /// <summary>The role that a token is asked for.</summary>
    /// <exception cref="RefusedException"><c>token-invalid</c>.</exception>
    internal static string AccessRole(Protocol.V1.CreateTokenRequest request, ServerCallContext context)
    {
        if (request.Role is not (Roles.Operator or Roles.Auditor))
            throw new RefusedException(RefusalCodes.TokenInvalid, $"there is no role '{request.Role}'",
                "roles are node, operator, auditor");
        if (request.Uses > 1)
            throw new RefusedException(RefusalCodes.TokenInvalid, $"a token for an {request.Role} has one use", "make one for each");
        return context.GetHttpContext().Request.IsHttps ? request.Role
            : throw new RefusedException(RefusalCodes.TokenInvalid, "without TLS there are no certificates for operators and auditors",
                "listen on https://, or use the data folder's operator.token and auditor.token");
    }

    /// <summary>The hash, if it is one: what cannot be a blob's is not looked for.</summary>
    /// <exception cref="RefusedException"><c>blob-missing</c>.</exception>
    internal static string Blob(string sha256) => Sha256Hex.IsValid(sha256)
        ? sha256
        : throw new RefusedException(RefusalCodes.BlobMissing, "a blob is named by its SHA-256 in lower-case hex",
            "give it as the coordinator names it");
}
