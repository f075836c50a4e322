using System.Security.Claims;
using FedLora.Server.Services;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;

namespace FedLora.Server.Authentication;

/// <summary>
/// Tells a caller that a policy turns away why, as gRPC has it: a response of headers only, with status, message and details. ASP.NET's own
/// answer, HTTP 401, would reach a gRPC client as a bad response without a reason.
/// </summary>
internal sealed class CallerRefusal(CallFailures failures) : IAuthorizationMiddlewareResultHandler
{
    private readonly AuthorizationMiddlewareResultHandler _http = new();

    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy,
        PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded || context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) is not true)
        {
            await _http.HandleAsync(next, context, policy, authorizeResult);
        }
        else
        {
            var reason = await ReasonAsync(context, policy);
            if (context.Request.IsHttps && IsOfIdentity(reason))
                OpenCalls.Close(context);
            Write(context.Response, failures.Explain(reason, context.Request.Path, context.RequestAborted));
        }
    }

    /// <summary>
    /// Whether the identity of the connection's handshake is what is refused, so that another call over it can only be refused too. Not a
    /// call that its caller has broken off, nor a database that is away: other calls are on their way over the same connection, and its end
    /// would cost them what they have sent.
    /// </summary>
    private static bool IsOfIdentity(Exception reason) =>
        reason is RefusedException { Code: not RefusalCodes.RoleInsufficient } refused
            && RefusalStatus.Of(refused.Code) is StatusCode.Unauthenticated or StatusCode.PermissionDenied;

    // Of several schemes the first that says more than "not mine".
    private static async Task<Exception> ReasonAsync(HttpContext context, AuthorizationPolicy policy)
    {
        foreach (var scheme in policy.AuthenticationSchemes)
        {
            if ((await context.AuthenticateAsync(scheme)).Failure is { } failure)
                return failure;
        }
        var roles = string.Join(" and ", context.User.FindAll(ClaimTypes.Role).Select(role => role.Value));
        return new RefusedException(RefusalCodes.RoleInsufficient, $"the role {roles} may not make the call {context.Request.Path}",
            "ask whoever runs the coordinator");
    }

    private static void Write(HttpResponse response, RpcException error)
    {
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)error.StatusCode).ToString();
        response.Headers["grpc-message"] = Uri.EscapeDataString(error.Status.Detail);
        foreach (var entry in error.Trailers)
            response.Headers[entry.Key] = entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes) : entry.Value;
    }
}
