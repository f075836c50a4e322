using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin access list|revoke</c>: who holds an operator's or auditor's certificate.</summary>
internal static class AccessCommands
{
    public static Command List() =>
        new Command("list", "List who holds an operator's or auditor's certificate.").Writes(typeof(AccessJson))
            .RunsAtCoordinator(async (_, output, connection, cancellationToken) =>
                Show(output, (await connection.Admin.ListAccessAsync(new ListAccessRequest(), connection.Call(cancellationToken))).Access));

    public static Command Revoke()
    {
        var holder = new Argument<string>("HOLDER") { Description = "Name or id." };
        return new Command("revoke", "Take an operator's or auditor's access away, at once.") { holder }.Writes(typeof(AccessJson))
            .RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
                Show(output,
                    (await connection.Admin.RevokeAccessAsync(new RevokeAccessRequest { Holder = parsed.GetValue(holder) },
                        connection.Call(cancellationToken))).Access));
    }

    private static void Show(CommandOutput output, IReadOnlyList<AccessView> holders) =>
        output.Result(new AccessJson([.. holders.Select(holder => new HolderJson(holder.Id, holder.Name, holder.Role,
            DateTimeOffset.FromUnixTimeMilliseconds(holder.SinceUnixMs), holder.Revoked))]), console =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("name", "role", "id", "since", "state");
            foreach (var holder in holders)
                table.AddRow(Markup.Escape(holder.Name), holder.Role, holder.Id,
                    DateTimeOffset.FromUnixTimeMilliseconds(holder.SinceUnixMs).ToString("u"), holder.Revoked ? "revoked" : "active");
            console.Write(table);
        });
}

/// <summary>Who has access, as <c>--json</c> shows it.</summary>
internal sealed record AccessJson(IReadOnlyList<HolderJson> Access);

/// <summary>One who holds a certificate.</summary>
internal sealed record HolderJson(string Id, string Name, string Role, DateTimeOffset Since, bool Revoked);
