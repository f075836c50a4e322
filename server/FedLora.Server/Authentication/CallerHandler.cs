using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Authentication;

/// <summary>
/// A scheme by which callers say who they are. Why one is refused travels as the result's exception; <see cref="CallerRefusal"/> tells it
/// to the caller.
/// </summary>
internal abstract class CallerHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    /// <summary>Whether a call over this connection is this scheme's: certificates over TLS, bearers without it.</summary>
    protected abstract bool IsForThis { get; }

    /// <summary>Who calls.</summary>
    /// <param name="cancellationToken">The caller has gone.</param>
    /// <returns>The caller's name and role.</returns>
    /// <exception cref="FedLora.Grains.RefusedException">Nobody, or nobody any more.</exception>
    protected abstract ValueTask<(string Name, string Role)> IdentifyAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!IsForThis)
            return AuthenticateResult.NoResult();
        try
        {
            var (name, role) = await IdentifyAsync(Context.RequestAborted);
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, name), new Claim(ClaimTypes.Role, role)], Scheme.Name);
            return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name));
        }
        catch (Exception error)
        {
            return AuthenticateResult.Fail(error);
        }
    }
}
