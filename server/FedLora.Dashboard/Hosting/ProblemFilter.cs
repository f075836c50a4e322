using FedLora.Dashboard.Pages;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Dashboard.Hosting;

/// <summary>What cannot be shown becomes a page that says why.</summary>
internal static class ProblemFilter
{
    internal static async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (RefusedException refused)
        {
            return await ProblemAsync(context, Status(refused.Code), refused.Message, refused.Hint);
        }
        catch (FedLoraException refused)
        {
            return await ProblemAsync(context, Status(refused.Code), refused.Message, refused.Hint);
        }
        catch (BadHttpRequestException refused)
        {
            return await ProblemAsync(context, refused.StatusCode, refused.Message, "Go back and try again.");
        }
    }

    private static Task<IResult> ProblemAsync(EndpointFilterInvocationContext context, int status, string title, string hint) =>
        context.HttpContext.RequestServices.GetRequiredService<PageRenderer>().ProblemAsync(context.HttpContext, status, title, hint);

    private static int Status(string code) => code switch
    {
        RefusalCodes.FederationUnknown or RefusalCodes.RoundUnknown or RefusalCodes.NodeUnknownName or RefusalCodes.NodeUnknown
            or RefusalCodes.BlobMissing => StatusCodes.Status404NotFound,
        RefusalCodes.FederationState or RefusalCodes.FederationExists => StatusCodes.Status409Conflict,
        _ => StatusCodes.Status400BadRequest,
    };
}
