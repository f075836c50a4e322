using System.Security.Claims;
using Grpc.Core;

namespace FedLora.Server.Authentication;

/// <summary>Who makes a call that a policy has let in.</summary>
internal static class Caller
{
    /// <summary>The calling node's id.</summary>
    internal static string NodeId(this ServerCallContext context) =>
        context.GetHttpContext().User.FindFirstValue(ClaimTypes.NameIdentifier)
            ?? throw new InvalidOperationException($"{context.Method} has no policy.");
}
