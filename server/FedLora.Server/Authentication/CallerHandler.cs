using System.Security.Claims;
using System.Text.Encodings.Web;
using FedLora.Protocol;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>A scheme whose callers show a bearer credential. Why one is refused travels as the result's exception; <see cref="CallerRefusal"/> tells it to the caller.</summary>
internal abstract class CallerHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    /// <summary>Who shows this credential.</summary>
    /// <param name="bearer">As it was shown; empty if nothing was.</param>
    /// <param name="cancellationToken">The caller has gone.</param>
    /// <returns>The caller's name and role.</returns>
    /// <exception cref="FedLora.Grains.RefusedException">Nobody, or nobody any more.</exception>
    protected abstract ValueTask<(string Name, string Role)> IdentifyAsync(string bearer, CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        try
        {
            var (name, role) = await IdentifyAsync(Bearer.Read(Request.Headers.Authorization) ?? "", Context.RequestAborted);
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, name), new Claim(ClaimTypes.Role, role)], Scheme.Name);
            return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name));
        }
        catch (Exception error)
        {
            return AuthenticateResult.Fail(error);
        }
    }
}
