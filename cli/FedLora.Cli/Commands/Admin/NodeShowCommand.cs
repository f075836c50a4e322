using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Privacy;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin node show</c>.</summary>
internal static class NodeShowCommand
{
    public static Command Create()
    {
        var node = new Argument<string>("NODE") { Description = "Name or id of the node." };
        return new Command("show",
            "Show a node: when it was last seen, what it offers, refuses and has spent.") { node }.Writes(typeof(NodeJson))
            .RunsAtCoordinator(
                async (parsed, output, connection, cancellationToken) =>
        {
            var view =
                await connection.Upkeep.ShowNodeAsync(new ShowNodeRequest { Node = parsed.GetValue(node) },
                    connection.Call(cancellationToken));
            var json = NodeJson.From(view);
            output.Result(json, console =>
            {
                var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("", "");
                foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
                    [
                        ("node", json.Name), ("id", json.NodeId), ("state", json.State), ("group", json.Group),
                            ("enrolled", json.Enrolled.ToString("u")),
                        ("last seen", json.LastSeen?.ToString("u") ?? "not since the coordinator started"),
                            ("version", view.Profile?.Version ?? ""),
                        ("sent, received", $"{Units.Bytes(json.BytesSent)}, {Units.Bytes(json.BytesReceived)}"),
                            ("base models", string.Join("\n", json.ModelFingerprints)),
                        ("takes no part in", string.Join("\n", json.Refused)),
                        ("has worked for", string.Join("\n", json.Tasks.Select(share =>
                            $"{share.Federation}: {share.Tasks} tasks, {100 * share.Share:0} %"))),
                        ("has spent",
                            string.Join("\n",
                                json.Balances.Select(balance =>
                                    $"epsilon {EpsilonText.AtMost(balance.SpentEpsilon)} of "
                                    + $"{(balance.LimitEpsilon is { } limit ? EpsilonText.AtLeast(limit) : "no limit")} "
                                    + $"at delta {balance.Delta:0.###e+0}"))),
                    ])
                    table.AddRow(name, Markup.Escape(value));
                console.Write(table);
            });
        });
    }
}
