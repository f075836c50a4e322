using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin dashboard-link</c>: lets a browser in, once.</summary>
internal static class DashboardLinkCommand
{
    public static Command Create()
    {
        var role = new Option<string?>("--role")
        {
            Description = "Who the session is for: operator acts, auditor reads; default: what your token is.",
        };
        var minutes = new Option<uint>("--minutes")
        {
            Description = "How long the link can be used, 1 to 1440.",
            DefaultValueFactory = _ => 10,
        };
        role.AcceptOnlyFromAmong("operator", "auditor");
        return new Command("dashboard-link", "Make a one-time link that opens the dashboard in a browser.") { role, minutes }
            .Writes(typeof(LinkJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
        {
            if (parsed.GetValue(minutes) is < 1 or > 1440)
                throw new UsageException("--minutes must be 1 to 1440", "e.g. --minutes 10");
            var request = new CreateDashboardLinkRequest
            {
                Role = parsed.GetValue(role) ?? "",
                ValidSeconds = parsed.GetValue(minutes) * 60,
            };
            var link = await connection.Upkeep.CreateDashboardLinkAsync(request, connection.Call(cancellationToken));
            var expires = DateTimeOffset.FromUnixTimeMilliseconds(link.ExpiresUnixMs);
            output.Result(new LinkJson(link.Url, link.Role, expires), console =>
            {
                console.WriteLine(link.Url);
                output.Remark($"opens a session of 12 hours as {link.Role}, once, until {expires:u}");
            });
        });
    }
}

/// <param name="Url">The link; it is shown once.</param>
/// <param name="Role">Who the session is for.</param>
/// <param name="Expires">Until when the link can be used.</param>
internal sealed record LinkJson(string Url, string Role, DateTimeOffset Expires);
