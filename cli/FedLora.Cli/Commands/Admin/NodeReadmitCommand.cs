using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin node readmit</c>.</summary>
internal static class NodeReadmitCommand
{
    public static Command Create()
    {
        var node = new Argument<string>("NODE") { Description = "Name or id of a node that was revoked." };
        return new Command("readmit", "Let a revoked node in again, by the identity that it has; its site starts it again.") { node }
            .Writes(typeof(NodeJson))
            .RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var view = await connection.Upkeep.ReadmitNodeAsync(new ReadmitNodeRequest { Node = parsed.GetValue(node) },
                    connection.Call(cancellationToken));
                output.Result(NodeJson.From(view), console => console.WriteLine($"{view.Name} may call again."));
            });
    }
}
