using Grpc.Core;
using Grpc.Net.Internal;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Serves one HTTP request as a call: whatever happens in it becomes its status and nothing else.</summary>
internal static class CallHandler
{
    public static async Task HandleAsync(HttpContext http, ServiceSettings settings, ILogger logger, Func<HttpCallContext, Task> serve)
    {
        if (!Headers.IsGrpc(http.Request.ContentType))
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            ResponseStatus.Write(http.Response, new Status(StatusCode.Internal, $"Content-Type '{http.Request.ContentType}' is not supported."));
            return;
        }

        if (!HttpProtocol.IsHttp2(http.Request.Protocol) && !HttpProtocol.IsHttp3(http.Request.Protocol))
        {
            http.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            http.Response.Headers.Upgrade = "HTTP/2";
            ResponseStatus.Write(http.Response, new Status(StatusCode.Internal, $"Request protocol '{http.Request.Protocol}' is not supported."));
            return;
        }

        http.Response.ContentType = Headers.ContentType;
        await using var context = new HttpCallContext(http, settings, logger);
        http.Features.Set<IServerCallContextFeature>(context);
        try
        {
            await serve(context);
        }
        catch (Exception exception)
        {
            context.Fail(exception);
        }

        context.End();
    }
}
