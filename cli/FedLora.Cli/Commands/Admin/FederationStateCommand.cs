using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin federation start | pause | stop</c>.</summary>
internal static class FederationStateCommand
{
    public static Command Start() => Create("start", "Start a federation, or go on after a pause.",
        (connection, name, options) => connection.Admin.StartFederationAsync(name, options));

    public static Command Pause() => Create("pause", "Pause a federation; updates that are in stay.",
        (connection, name, options) => connection.Admin.PauseFederationAsync(name, options));

    public static Command Stop() => Create("stop", "End a federation for good; its adapter stays.",
        (connection, name, options) => connection.Admin.StopFederationAsync(name, options));

    private static Command Create(string verb, string description,
        Func<CoordinatorConnection, FederationName, CallOptions, AsyncUnaryCall<FederationView>> call)
    {
        var name = new Argument<string>("NAME") { Description = "The federation." };
        return new Command(verb, description) { name }
            .Writes(typeof(FederationJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
        {
            var view = await call(connection, new FederationName { Name = parsed.GetValue(name) }, connection.Call(cancellationToken));
            output.Result(FederationJson.From(view), console => console.WriteLine(FederationTables.Headline(view)));
        });
    }
}
