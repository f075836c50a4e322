using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Server.Hosting;
using Spectre.Console;

namespace FedLora.Cli.Commands.Server;

/// <summary><c>fedlora server</c>: runs a coordinator until Ctrl-C or SIGTERM.</summary>
internal static class ServerCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "Folder for everything that the coordinator keeps; made if it is not there.", Required = true };
        var listen = new Option<string>("--listen") { Description = "Address to listen on; port 0 takes a free one.", DefaultValueFactory = _ => "http://127.0.0.1:5080" };
        var withParent = ParentWatch.Create();
        return new Command("server", "Run a coordinator: it enrols nodes, runs federations and aggregates their updates.") { data, listen, withParent }.Streams(typeof(ServerJson))
            .Runs(async (parsed, output, cancellation) =>
            {
                using var ending = ParentWatch.Follow(parsed.GetValue(withParent), cancellation);
                var options = new ServerOptions { Data = parsed.GetValue(data)!, Listen = parsed.GetValue(listen)! };
                await using var host = await CoordinatorHost.StartAsync(options, builder => LongRunning.Configure(builder, "fedlora-coordinator"), ending.Token);
                output.Result(new ServerJson("listening", host.Url, Path.GetFullPath(options.Data)), console => console.WriteLine(
                    output.Complete($"Coordinator on {host.Url}. Ctrl-C ends it. Operators on this machine: fedlora admin --data {PrintedCommands.Quoted(options.Data)} federation list")));
                var ended = new TaskCompletionSource();
                await using var registration = ending.Token.Register(ended.SetResult);
                await ended.Task;
            });
    }
}

/// <param name="State">listening: it answers.</param>
/// <param name="Url">Where, with the port that it really has.</param>
/// <param name="Data">Its folder.</param>
internal sealed record ServerJson(string State, string Url, string Data);
