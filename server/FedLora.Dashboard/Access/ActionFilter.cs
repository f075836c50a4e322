using FedLora.Server.Audit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Access;

/// <summary>Has what an operator does by a page recorded.</summary>
internal sealed class ActionFilter(ActionRecorder recorder) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        return await recorder.RecordAsync(Viewer.Of(http).Role, "by a page", $"{http.Request.Method} {http.Request.Path}",
            http.GetRouteValue("name") as string ?? "", () => next(context).AsTask());
    }
}
