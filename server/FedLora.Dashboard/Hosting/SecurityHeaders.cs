using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FedLora.Dashboard.Hosting;

/// <summary>What goes with every page of the dashboard: <see cref="PageHeaders"/>, and a bound on what it takes.</summary>
internal static class SecurityHeaders
{
    internal static Task AddAsync(HttpContext http, RequestDelegate next)
    {
        PageHeaders.Set(http.Response.Headers, "'self'");
        // The coordinator itself bounds nothing here, since nodes send adapters; people send forms.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } body)
            body.MaxRequestBodySize = Access.FormGuard.LargestForm;
        return next(http);
    }
}
