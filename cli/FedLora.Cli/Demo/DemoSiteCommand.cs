using System.CommandLine;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Simulations.Demo;
using FedLora.Training.Libtorch;
using FedLora.Training.Preparation;

namespace FedLora.Cli.Demo;

/// <summary><c>fedlora demo-site</c>: one site of the demo alone, in a process of its own. Not for people: the demo starts it.</summary>
internal static class DemoSiteCommand
{
    internal const string Name = "demo-site";

    public static Command Create()
    {
        var site = new Option<int>("--site") { Required = true };
        var data = new Option<string>("--data") { Required = true };
        var heldOut = new Option<string>("--held-out") { Required = true };
        var model = new Option<string>("--model") { Required = true };
        var rounds = new Option<int>("--rounds") { Required = true };
        var steps = new Option<int>("--steps") { Required = true };
        var nodes = new Option<int>("--nodes") { Required = true };
        var seed = new Option<int>("--seed") { Required = true };
        var to = new Option<string>("--out") { Required = true };
        var withParent = ParentWatch.Create();
        return new Command(Name) { site, data, heldOut, model, rounds, steps, nodes, seed, to, withParent }.Hide()
            .Runs(async (parsed, _, cancellationToken) =>
            {
                using var ending = ParentWatch.Follow(parsed.GetValue(withParent), cancellationToken);
                // One site knows no method: it trains plain LoRA without noise, which is the best that it can do alone.
                var options = new DemoOptions
                {
                    Model = parsed.GetValue(model)!,
                    Out = "",
                    Rounds = parsed.GetValue(rounds),
                    Steps = parsed.GetValue(steps),
                    Nodes = parsed.GetValue(nodes),
                    Seed = parsed.GetValue(seed),
                };
                LibtorchLoader.UseThreads(options.Threads);
                var prepared = FederationPreparation.Prepare(DemoFederation.Define(options), options.Model, null, ending.Token);
                var score = AloneTraining.Run(prepared, options.Model, parsed.GetValue(data)!, parsed.GetValue(heldOut)!, ending.Token);
                AtomicFile.Write(parsed.GetValue(to)!,
                    Json.Write(new AloneScore($"site-{parsed.GetValue(site)}", score.Accuracy, score.MacroF1 ?? 0)));
            });
    }

    private static Command Hide(this Command command)
    {
        command.Hidden = true;
        return command;
    }
}
