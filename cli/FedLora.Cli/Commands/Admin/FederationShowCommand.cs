using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Protocol.V1;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin federation show</c>.</summary>
internal static class FederationShowCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "The federation." };
        return new Command("show", "Show a federation: settings, rounds, nodes, and who is left out and why.") { name }
            .Writes(typeof(FederationJson))
            .RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
            {
                var view = await connection.Admin.ShowFederationAsync(new FederationName { Name = parsed.GetValue(name) },
                    connection.Call(cancellationToken));
                if (DeltaRemark.For(view) is { } delta)
                    output.Remark(delta);
                output.Result(FederationJson.From(view), console => console.Write(FederationTables.Of(view)));
            });
    }
}
