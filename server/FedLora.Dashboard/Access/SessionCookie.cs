using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Access;

/// <summary>The session's secret in the browser.</summary>
internal static class SessionCookie
{
    // A name with this prefix is taken by browsers only over TLS, for this host and no other.
    private static string Name(HttpRequest request) => request.IsHttps ? "__Host-fedlora-session" : "fedlora-session";

    internal static string? Read(HttpRequest request) => request.Cookies[Name(request)];

    internal static void Write(HttpContext context, string secret, DateTimeOffset expires) =>
        context.Response.Cookies.Append(Name(context.Request), secret, Options(context, expires));

    internal static void Delete(HttpContext context) => context.Response.Cookies.Delete(Name(context.Request), Options(context, null));

    private static CookieOptions Options(HttpContext context, DateTimeOffset? expires) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = context.Request.IsHttps,
            Path = "/",
            Expires = expires,
            IsEssential = true
        };
}
