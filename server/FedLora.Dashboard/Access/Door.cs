using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace FedLora.Dashboard.Access;

/// <summary>
/// Who is in: by the session that a one-time link opened, else, over TLS, by the certificate that the browser shows. Nothing of either is
/// kept here: it is asked at every request, and while a page follows what happens, so that a revocation or an end counts at once.
/// </summary>
internal sealed class Door(IGrainFactory grains, ICertificateHolders holders)
{
    /// <summary>The identity of whoever is in by a certificate is of this type.</summary>
    internal const string ByCertificate = "dashboard-certificate";

    private const string BySession = "dashboard-session";

    /// <summary>Who looks.</summary>
    /// <returns>An identity with a role, by certificate with id and name too; null where there is neither session nor
    /// certificate.</returns>
    /// <exception cref="RefusedException">There is one, and it does not count (any more).</exception>
    internal async Task<ClaimsIdentity?> WhoAsync(HttpContext http, CancellationToken cancellationToken)
    {
        var secret = SessionCookie.Read(http.Request);
        if (secret is { Length: > 0 }
            && await grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key).RoleOfAsync(secret, cancellationToken) is { } role)
            return new ClaimsIdentity([new Claim(ClaimTypes.Role, role)], BySession);
        if (http.Request.IsHttps && http.Connection.ClientCertificate is not null && !IsMadeByAnotherSite(http.Request))
            return Of(await holders.IdentifyAsync(http, cancellationToken));
        return secret is { Length: > 0 }
            ? throw new RefusedException(RefusalCodes.LinkInvalid, "The session is over", "Its time has come, or it was closed.") : null;
    }

    /// <summary>Whether the one who opened a page is still in, as the same.</summary>
    internal async Task<bool> IsStillInAsync(HttpContext http, CancellationToken cancellationToken)
    {
        try
        {
            return await WhoAsync(http, cancellationToken) is { } who
                && who.AuthenticationType == http.User.Identity?.AuthenticationType;
        }
        catch (RefusedException)
        {
            return false;
        }
    }

    private static ClaimsIdentity Of(CertificateHolder holder) => holder.Role is Roles.Operator or Roles.Auditor
        ? new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, holder.Id), new Claim(ClaimTypes.Name, holder.Name),
            new Claim(ClaimTypes.Role, holder.Role)], ByCertificate)
        : throw new RefusedException(RefusalCodes.RoleInsufficient, "This certificate is a node's", "Nodes have no page.");

    // Browsers show a certificate whichever site makes them ask. So as with a cookie that is SameSite=Lax: pages that a person opens, by a
    // link from elsewhere too, and nothing else.
    private static bool IsMadeByAnotherSite(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site"
            && !(HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Dest"].ToString() == "document");
}
