using System.Text.Encodings.Web;
using FedLora.Protocol;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>A scheme whose callers show a bearer credential, on loopback without TLS.</summary>
internal abstract class BearerHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder)
    : CallerHandler(options, logging, encoder)
{
    protected override bool IsForThis => !Request.IsHttps;

    /// <summary>Who shows this credential.</summary>
    /// <param name="bearer">As it was shown; empty if nothing was.</param>
    /// <param name="cancellationToken">The caller has gone.</param>
    protected abstract ValueTask<(string Name, string Role)> IdentifyAsync(string bearer, CancellationToken cancellationToken);

    protected override ValueTask<(string Name, string Role)> IdentifyAsync(CancellationToken cancellationToken) =>
        IdentifyAsync(Bearer.Read(Request.Headers.Authorization) ?? "", cancellationToken);
}
