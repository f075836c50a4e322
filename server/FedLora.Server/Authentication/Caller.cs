using System.Security.Claims;
using Grpc.Core;

namespace FedLora.Server.Authentication;

/// <summary>Who makes a call that a policy has let in.</summary>
internal static class Caller
{
    /// <summary>The calling node's id.</summary>
    internal static string NodeId(this ServerCallContext context) => context.CallerId();

    /// <summary>The caller's id; by a token of the data folder its role.</summary>
    internal static string CallerId(this ServerCallContext context) =>
        context.GetHttpContext().User.FindFirstValue(ClaimTypes.NameIdentifier)
            ?? throw new InvalidOperationException($"{context.Method} has no policy.");
}
