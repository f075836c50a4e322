using FedLora.Core.Audit;
using FedLora.Server.Audit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace FedLora.Dashboard.Access;

/// <summary>
/// Records what an operator does by a page, done or refused, before it is answered; where that cannot be, nothing is done.
/// </summary>
internal sealed class ActionFilter(AuditLog audit, TimeProvider time, ILogger<ActionFilter> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        audit.RequireWritable(time.GetUtcNow());
        var outcome = ActionLog.Done;
        try
        {
            return await next(context);
        }
        catch (Exception error)
        {
            outcome = error is RefusedException refused ? refused.Code : error is FedLoraException known ? known.Code : "failed";
            throw;
        }
        finally
        {
            var http = context.HttpContext;
            var name = http.GetRouteValue("name") as string;
            logger.Acted(Viewer.Of(http).Role, "by a page", $"{http.Request.Method} {http.Request.Path}", name ?? "", outcome);
            audit.Flush();
        }
    }
}
