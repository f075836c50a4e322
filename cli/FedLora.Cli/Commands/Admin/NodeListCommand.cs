using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin node list</c>.</summary>
internal static class NodeListCommand
{
    public static Command Create() => new Command("list", "List enrolled nodes, whether they are there, and what they have sent.")
        .Writes(typeof(NodesJson))
        .RunsAtCoordinator(async (_, output, connection, cancellationToken) =>
        {
            var nodes = (await connection.Admin.ListNodesAsync(new ListNodesRequest(), connection.Call(cancellationToken))).Nodes;
            output.Result(new NodesJson([.. nodes.Select(NodeJson.From)]), console =>
            {
                var table = new Table().Border(TableBorder.Rounded)
                    .AddColumns("node", "group", "state", "last seen", "sent", "received", "does not take part in");
                foreach (var node in nodes.Select(NodeJson.From))
                {
                    table.AddRow(Markup.Escape(node.Name), Markup.Escape(node.Group), node.State, node.LastSeen?.ToString("u") ?? "never",
                        Units.Bytes(node.BytesSent), Units.Bytes(node.BytesReceived), Markup.Escape(string.Join("\n", node.Refused)));
                }
                console.Write(table);
            });
        });
}

/// <summary>All nodes, as <c>--json</c> shows them.</summary>
internal sealed record NodesJson(IReadOnlyList<NodeJson> Nodes);
