using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin node revoke</c>.</summary>
internal static class NodeRevokeCommand
{
    public static Command Create()
    {
        var node = new Argument<string>("NODE") { Description = "Name or id of the node." };
        return new Command("revoke", "Take a node's identity away: it gets no work and nothing from it is accepted.") { node }
            .Writes(typeof(NodeJson))
            .RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var view = await connection.Admin.RevokeNodeAsync(new RevokeNodeRequest { Node = parsed.GetValue(node) },
                    connection.Call(cancellationToken));
                output.Result(NodeJson.From(view), console => console.WriteLine($"{view.Name} is revoked."));
            });
    }
}
