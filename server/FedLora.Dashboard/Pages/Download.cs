using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Pages;

/// <summary>A result that browsers keep as a file.</summary>
internal sealed class Download(IResult content, string file) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers.ContentDisposition = $"attachment; filename=\"{file}\"";
        return content.ExecuteAsync(httpContext);
    }
}
