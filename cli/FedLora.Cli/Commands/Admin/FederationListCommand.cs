using System.CommandLine;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin federation list</c>.</summary>
internal static class FederationListCommand
{
    public static Command Create() => new Command("list", "List federations.").RunsAtCoordinator(async (_, output, connection, cancellation) =>
    {
        var federations = (await connection.Admin.ListFederationsAsync(new ListFederationsRequest(), connection.Call(cancellation))).Federations;
        output.Result(federations.Select(FederationJson.From), console =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("federation", "method", "state", "rounds", "created", "remark");
            foreach (var federation in federations.Select(FederationJson.From))
            {
                table.AddRow(federation.Name, federation.Method, federation.State, $"{federation.RoundsDone} of {federation.Rounds}",
                    federation.Created.ToString("u"), Markup.Escape(federation.Reason));
            }
            console.Write(table);
        });
    });
}
