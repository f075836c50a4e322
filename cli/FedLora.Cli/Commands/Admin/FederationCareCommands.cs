using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Federations.Files;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin federation update | clone | delete</c>.</summary>
internal static class FederationCareCommands
{
    // Under privacy, sigma is calibrated for every node.
    private static readonly TimeSpan CloneLimit = TimeSpan.FromMinutes(2);

    public static Command Update()
    {
        var file =
            new Option<string>("--file",
                "-f")
            {
                Description = "The federation's file as it shall hold: only cohort and retention may differ from what was created.",
                Required = true
            };
        return new Command("update",
            "Change who takes part in a federation, how long anybody waits and what is kept, from the next sampling on.") { file }
            .Writes(typeof(FederationJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var definition = FederationFile.Load(parsed.GetValue(file)!).Definition;
                var view =
                    await connection.Upkeep.ChangeFederationAsync(
                        new ChangeFederationRequest { Definition = definition.ToWire(layout: false) }, connection.Call(cancellationToken));
                Show(output, view);
            });
    }

    public static Command Clone()
    {
        var from = new Argument<string>("NAME") { Description = "The federation to copy." };
        var to = new Option<string>("--as") { Description = "The new one's name.", Required = true };
        return new Command("clone",
            "Create another federation with the same settings and the same first adapter; it does not start by itself.") { from, to }
            .Writes(typeof(FederationJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var request = new CloneFederationRequest { From = parsed.GetValue(from), Name = parsed.GetValue(to) };
                Show(output, await connection.Upkeep.CloneFederationAsync(request, connection.Options(cancellationToken, CloneLimit)));
            });
    }

    public static Command Delete()
    {
        var name = new Argument<string>("NAME") { Description = "A federation that has finished, was stopped, or was never started." };
        return new Command("delete",
            "Forget a federation with its rounds and adapters. What data sets have spent for it stays known.") { name }
            .Writes(typeof(DeletedJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                await connection.Upkeep.DeleteFederationAsync(new FederationName { Name = parsed.GetValue(name) },
                    connection.Call(cancellationToken));
                output.Result(new DeletedJson(parsed.GetValue(name)!), console =>
                    console.WriteLine(output.Complete($"{parsed.GetValue(name)} is deleted. The disk has its space back later: files go "
                        + "once they are a day old and no federation has needed them for half an hour, at the hourly clean-up or now by: "
                        + "fedlora admin gc")));
            });
    }

    private static void Show(CommandOutput output, FederationView view) =>
        output.Result(FederationJson.From(view), console => console.WriteLine(FederationTables.Headline(view)));
}

/// <summary>What was deleted, as <c>--json</c> shows it.</summary>
internal sealed record DeletedJson(string Deleted);
