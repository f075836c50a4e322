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
            if (context.Request.IsHttps)
                OpenCalls.Close(context);
            Write(context.Response, failures.Explain(await ReasonAsync(context, policy), context.Request.Path, context.RequestAborted));
        }
    }

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
