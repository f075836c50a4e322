using FedLora.Dashboard.Pages;
using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Access;

/// <summary>Lets a form in only from a page in the same browser (CSRF), and bounds what it may send.</summary>
internal sealed class FormGuard(PageRenderer renderer) : IEndpointFilter
{
    /// <summary>Bytes of a form at most: a federation's file is a few thousand.</summary>
    internal const long LargestForm = 1 << 20;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (!http.Request.HasFormContentType
            || !FormSecret.IsOwn(http, (await http.Request.ReadFormAsync(http.RequestAborted))[FormSecret.Field]))
        {
            return await renderer.ProblemAsync(http, StatusCodes.Status400BadRequest, "This form is not from a page that you have open",
                "Open the page again and send it from there.");
        }

        return await next(context);
    }
}
