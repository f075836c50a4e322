using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>
/// Callers by the certificate of their connection, over TLS. (ASP.NET's own handler of certificates does not tell a caller what is wrong
/// with one, and what it caches outlives a revocation.)
/// </summary>
internal sealed class CertificateHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, ICertificateHolders holders)
    : CallerHandler(options, logging, encoder)
{
    protected override bool IsForThis => Request.IsHttps;

    protected override async ValueTask<(string Name, string Role)> IdentifyAsync(CancellationToken cancellationToken)
    {
        var holder = await holders.IdentifyAsync(Context, cancellationToken);
        return (holder.Id, holder.Role);
    }
}
