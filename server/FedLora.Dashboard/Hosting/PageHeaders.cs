using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Hosting;

/// <summary>What browsers are told of every page, here and of a site's own (which links this file): nothing from elsewhere, nothing
/// inline, in nobody's frame, in no cache.</summary>
internal static class PageHeaders
{
    /// <param name="headers">The answer's.</param>
    /// <param name="forms">Where forms may go, as the policy's <c>form-action</c>: <c>'self'</c> or <c>'none'</c>.</param>
    internal static void Set(IHeaderDictionary headers, string forms)
    {
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + $"form-action {forms}; frame-ancestors 'none'; base-uri 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        headers.CacheControl = "no-store";
    }
}
