using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin node delete</c>.</summary>
internal static class NodeDeleteCommand
{
    public static Command Create()
    {
        var node = new Argument<string>("NODE") { Description = "Name or id of a node that was revoked." };
        var forget = new Option<bool>("--forget-receipts")
        {
            Description = "Forget too what its data sets have spent, as far as this coordinator knows; the site's own ledger stays.",
        };
        return new Command("delete", "Forget a revoked node; its name is free again. What it did in rounds stays under its id.")
        {
            node,
            forget,
        }.Writes(typeof(DeletedJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
        {
            await connection.Upkeep.DeleteNodeAsync(
                new DeleteNodeRequest { Node = parsed.GetValue(node), ForgetReceipts = parsed.GetValue(forget) },
                connection.Call(cancellationToken));
            output.Result(new DeletedJson(parsed.GetValue(node)!), console => console.WriteLine($"{parsed.GetValue(node)} is deleted."));
        });
    }
}
