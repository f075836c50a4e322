using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin access list|revoke</c>: who holds an operator's or auditor's certificate.</summary>
internal static class AccessCommands
{
    public static Command List() => new Command("list", "List who holds an operator's or auditor's certificate.").RunsAtCoordinator(async (_, output, connection, cancellation) =>
        Show(output, (await connection.Admin.ListAccessAsync(new ListAccessRequest(), connection.Call(cancellation))).Access));

    public static Command Revoke()
    {
        var holder = new Argument<string>("HOLDER") { Description = "Name or id." };
        return new Command("revoke", "Take an operator's or auditor's access away, at once.") { holder }.RunsAtCoordinator(async (parsed, output, connection, cancellation) =>
            Show(output, (await connection.Admin.RevokeAccessAsync(new RevokeAccessRequest { Holder = parsed.GetValue(holder) }, connection.Call(cancellation))).Access));
    }

    private static void Show(CommandOutput output, IReadOnlyList<AccessView> holders) =>
        output.Result(holders.Select(holder => new { holder.Id, holder.Name, holder.Role, Since = DateTimeOffset.FromUnixTimeMilliseconds(holder.SinceUnixMs), holder.Revoked }), console =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("name", "role", "id", "since", "state");
            foreach (var holder in holders)
                table.AddRow(Markup.Escape(holder.Name), holder.Role, holder.Id, DateTimeOffset.FromUnixTimeMilliseconds(holder.SinceUnixMs).ToString("u"), holder.Revoked ? "revoked" : "active");
            console.Write(table);
        });
}
