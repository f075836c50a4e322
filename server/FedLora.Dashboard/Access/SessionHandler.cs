using System.Security.Claims;
using System.Text.Encodings.Web;
using FedLora.Dashboard.Pages;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Dashboard.Access;

/// <summary>People by the session that a one-time link opened.</summary>
internal sealed class SessionHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, IGrainFactory grains,
        PageRenderer renderer)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    internal const string SchemeName = "dashboard-session";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (SessionCookie.Read(Request) is not { Length: > 0 } secret)
            return AuthenticateResult.NoResult();
        var role = await grains.GetGrain<ISessionsGrain>(ISessionsGrain.Key).RoleOfAsync(secret, Context.RequestAborted);
        return role is null
            ? AuthenticateResult.Fail("the session is over")
            : AuthenticateResult.Success(new AuthenticationTicket(
                new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Role, role)], SchemeName)), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) =>
        ProblemAsync(StatusCodes.Status401Unauthorized, "You are not logged in",
            "A one-time link opens a session of twelve hours. An operator makes one with: fedlora admin dashboard-link");

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        ProblemAsync(StatusCodes.Status403Forbidden, "Auditors only read",
            "What changes something, and the adapters, are for operators; their link: fedlora admin dashboard-link --role operator");

    private async Task ProblemAsync(int status, string title, string text) =>
        await (await renderer.ProblemAsync(Context, status, title, text)).ExecuteAsync(Context);
}
