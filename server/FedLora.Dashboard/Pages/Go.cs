using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Pages;

/// <summary>After a form: to a page, by GET (303), so that loading it again sends nothing again.</summary>
internal sealed class Go(string path) : IResult
{
    internal static IResult To(string path) => new Go(path);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
        httpContext.Response.Headers.Location = path;
        return Task.CompletedTask;
    }
}
