using System.Security.Claims;
using System.Text.Encodings.Web;
using FedLora.Dashboard.Pages;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Dashboard.Access;

/// <summary>Lets people in, or shows them a page that says how they get in.</summary>
internal sealed class DoorHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, Door door, PageRenderer renderer)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    internal const string SchemeName = "dashboard";

    private const string ByLink =
        "A one-time link opens a session of twelve hours. An operator makes one with: fedlora admin dashboard-link";

    private const string ByCertificate = "Whoever has imported an operator's or auditor's certificate is in without one; its file is made "
        + "with: fedlora admin browser-certificate --help";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        try
        {
            return await door.WhoAsync(Context, Context.RequestAborted) is { } who
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(who), SchemeName))
                : AuthenticateResult.NoResult();
        }
        catch (RefusedException refused)
        {
            return AuthenticateResult.Fail(refused);
        }
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var refused = (await HandleAuthenticateOnceSafeAsync()).Failure as RefusedException;
        // The connection keeps the certificate of its handshake: another one needs another connection.
        if (refused is not null && Request.IsHttps)
            Context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        await ProblemAsync(StatusCodes.Status401Unauthorized, Title(refused?.Code),
            Request.IsHttps ? $"{ByLink}. {ByCertificate}" : ByLink);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        ProblemAsync(StatusCodes.Status403Forbidden, "Auditors only read",
            "What changes something, and the adapters, are for operators; their link: fedlora admin dashboard-link --role operator");

    private static string Title(string? code) => code switch
    {
        RefusalCodes.AccessRevoked => "The access of this certificate's holder has been revoked",
        RefusalCodes.AccessUnknown => "Nobody has access here by this certificate",
        RefusalCodes.CertificateExpired => "This certificate's time is over: export it anew",
        RefusalCodes.CertificateForeign => "This certificate is not of this coordinator",
        RefusalCodes.RoleInsufficient or RefusalCodes.NodeRevoked or RefusalCodes.NodeUnknown => "Nodes have no page",
        RefusalCodes.LinkInvalid => "The session is over",
        _ => "You are not logged in",
    };

    private async Task ProblemAsync(int status, string title, string text) =>
        await (await renderer.ProblemAsync(Context, status, title, text)).ExecuteAsync(Context);
}
