using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Access;

/// <summary>
/// What forms are held against (CSRF): a secret in the browser that other sites cannot read. A session's is the session's own; whoever is
/// in by certificate, which browsers show whoever makes them ask, has one that lets nobody in.
/// </summary>
internal static class FormSecret
{
    /// <summary>The field of every form that changes something.</summary>
    internal const string Field = "form-token";

    // Over TLS always: no certificate is shown without it. A name with this prefix is taken for this host and no other.
    private const string Cookie = "__Host-fedlora-forms";

    /// <summary>This request's; null where the browser has none.</summary>
    internal static string? Read(HttpContext http) =>
        Viewer.IsByCertificate(http) ? http.Request.Cookies[Cookie] : SessionCookie.Read(http.Request);

    /// <summary>What the forms of a page carry, which is on its way to the browser.</summary>
    internal static string Token(HttpContext http) => Read(http) is { Length: > 0 } secret ? Token(secret)
        : Viewer.IsByCertificate(http) ? Token(Give(http)) : "";

    /// <summary>Whether a form that was posted is one that a page in this browser showed.</summary>
    internal static bool IsOwn(HttpContext http, string? shown) => shown is not null && Read(http) is { Length: > 0 } secret
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Token(secret)), Encoding.UTF8.GetBytes(shown));

    // What another site cannot know, since it cannot read the cookie: a keyed hash of it.
    private static string Token(string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), "fedlora dashboard form"u8));

    private static string Give(HttpContext http)
    {
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        // Lax: it comes with a page that was opened by a link from elsewhere too, or that page would replace it under the open ones.
        http.Response.Cookies.Append(Cookie, secret, new CookieOptions
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Lax,
            Secure = true,
            Path = "/",
            IsEssential = true,
        });
        return secret;
    }
}
