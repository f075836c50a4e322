using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Access;

/// <summary>The session's secret in the browser, and what its forms must carry.</summary>
internal static class SessionCookie
{
    /// <summary>The field of every form that changes something.</summary>
    internal const string FormField = "form-token";

    // A name with this prefix is taken by browsers only over TLS, for this host and no other.
    private static string Name(HttpRequest request) => request.IsHttps ? "__Host-fedlora-session" : "fedlora-session";

    internal static string? Read(HttpRequest request) => request.Cookies[Name(request)];

    internal static void Write(HttpContext context, string secret, DateTimeOffset expires) =>
        context.Response.Cookies.Append(Name(context.Request), secret, Options(context, expires));

    internal static void Delete(HttpContext context) => context.Response.Cookies.Delete(Name(context.Request), Options(context, null));

    /// <summary>What another site cannot know, since it cannot read the cookie: a keyed hash of it.</summary>
    internal static string FormToken(string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), "fedlora dashboard form"u8));

    /// <summary>Whether a form that was posted is one that this session's page showed.</summary>
    internal static bool IsOwn(string secret, string? shown) =>
        shown is not null
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(FormToken(secret)), Encoding.UTF8.GetBytes(shown));

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
