using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Cli.Commands.Admin;

/// <summary>
/// <c>fedlora admin federation watch</c>: live until the federation ends; with <c>--json</c> one object per change and line.
/// </summary>
internal static class FederationWatchCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "The federation." };
        return new Command("watch", "Watch a federation live until it ends.") { name }
            .Streams(typeof(FederationJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
        {
            try
            {
                await WatchAsync(parsed.GetValue(name)!, output, connection, cancellationToken);
            }
            catch (Exception error) when (error is RpcException or OperationCanceledException && cancellationToken.IsCancellationRequested)
            {
                throw new InterruptedException("no longer watching; the federation goes on",
                    $"How it stands: fedlora admin federation show {parsed.GetValue(name)}", error);
            }
        });
    }

    private static async Task WatchAsync(string name, CommandOutput output, CoordinatorConnection connection,
        CancellationToken cancellationToken)
    {
        using var call = connection.Admin.WatchFederation(new FederationName { Name = name }, connection.Options(cancellationToken));
        if (output.Json)
        {
            while (await call.ResponseStream.MoveNext(cancellationToken))
                output.Result(FederationJson.From(call.ResponseStream.Current), _ => { });
            return;
        }
        FederationView? last = null;
        await FederationLive.ShowAsync(output.Progress, FederationTables.Of, clear: true, async show =>
        {
            while (await call.ResponseStream.MoveNext(cancellationToken))
                show(last = call.ResponseStream.Current);
        });
        if (last is not null)
            output.Console.Write(FederationTables.Of(last));
    }
}
