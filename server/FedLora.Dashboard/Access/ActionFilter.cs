using System.Security.Claims;
using FedLora.Server.Audit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Access;

/// <summary>Has what an operator does by a page recorded, by certificate with its id, as by the command line.</summary>
internal sealed class ActionFilter(ActionRecorder recorder) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        return await recorder.RecordAsync(Viewer.RoleOf(http.User), http.User.FindFirstValue(ClaimTypes.NameIdentifier) ?? "by a page",
            $"{http.Request.Method} {http.Request.Path}", http.GetRouteValue("name") as string ?? "", () => next(context).AsTask());
    }
}
