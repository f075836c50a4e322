using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin node rename</c>.</summary>
internal static class NodeRenameCommand
{
    public static Command Create()
    {
        var node = new Argument<string>("NODE") { Description = "Name or id of the node." };
        var name = new Argument<string>("NAME") { Description = "What it is called from now on: 1-64 characters of a-z, 0-9, '-', '.'." };
        return new Command("rename",
            "Give a node another name. It hears of it with its next poll and keeps it; the old name stays reserved for it.") { node, name }
            .Writes(typeof(NodeJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var request = new RenameNodeRequest { Node = parsed.GetValue(node), NewName = parsed.GetValue(name) };
                var view = await connection.Upkeep.RenameNodeAsync(request, connection.Call(cancellationToken));
                output.Result(NodeJson.From(view), console => console.WriteLine($"{request.Node} is called {view.Name} from now on."));
            });
    }
}
