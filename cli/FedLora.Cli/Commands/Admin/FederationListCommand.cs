using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin federation list</c>.</summary>
internal static class FederationListCommand
{
    public static Command Create() => new Command("list", "List federations.")
        .Writes(typeof(FederationsJson)).RunsAtCoordinator(async (_, output, connection, cancellationToken) =>
    {
        var federations = (await connection.Admin.ListFederationsAsync(new ListFederationsRequest(),
            connection.Call(cancellationToken))).Federations;
        output.Result(new FederationsJson([.. federations.Select(FederationJson.From)]), console =>
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

/// <summary>All federations, as <c>--json</c> shows them; without their rounds.</summary>
internal sealed record FederationsJson(IReadOnlyList<FederationJson> Federations);
