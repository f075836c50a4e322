using System.CommandLine;
using FedLora.Cli.Commands.Admin;
using FedLora.Cli.Demo;
using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Simulations.Scenarios;
using Spectre.Console;

namespace FedLora.Cli.Commands.Simulate;

/// <summary><c>fedlora simulate SCENARIO.yaml</c>.</summary>
internal static class SimulateCommand
{
    private static readonly Argument<string?> Scenario = new("scenario")
    {
        Description = "YAML file: nodes, data and time, and a federation file in it (docs/simulate.md); or the name of a preset.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private static readonly Option<string> Out = new("--out")
    {
        Description = "The run folder; finished runs in it are not run again.",
        DefaultValueFactory = _ => "./fedlora-simulation",
    };
    private static readonly Option<int> Parallel = new("--parallel")
    {
        Description = "Runs of a sweep at a time; 0: as many as there are cores. Results do not depend on it.",
        DefaultValueFactory = _ => 0,
    };
    private static readonly Option<bool> Explain = new("--explain")
    {
        Description = "Print all that holds, defaults too, as a scenario that reads to the same; run nothing.",
    };
    private static readonly Option<bool> Schema = new("--schema") { Description = "Print the JSON schema of scenarios, for editors." };
    private static readonly Option<string?> Only = new("--only")
    {
        Description = "Run this one of a sweep's runs, e.g. method=fedsvd,seed=1.",
    };

    private static readonly Option<bool> WithParent = ParentWatch.Create();
    private static readonly Option<bool> List = new("--list") { Description = "Show the presets." };
    private static readonly Option<string?> Data = new("--data")
    {
        Description = "Instead of a scenario: the examples of all nodes, in any format; they are split, and a tenth kept to judge by.",
    };
    private static readonly Option<string?> Model = new("--model") { Description = "With --data: the base model's folder." };
    private static readonly Option<int> Nodes = new("--nodes") { Description = "With --data: how many.", DefaultValueFactory = _ => 10 };
    private static readonly Option<string> Methods = new("--methods")
    {
        Description = "With --data: names with commas between them.",
        DefaultValueFactory = _ => "fedit",
    };
    private static readonly Option<string> Epsilon = new("--epsilon")
    {
        Description = "With --data: budgets with commas between them (1,5 is two of them, 1.5 one); none: without privacy.",
        DefaultValueFactory = _ => "none",
    };
    private static readonly Option<int> Seeds = new("--seeds")
    {
        Description = "With --data: how many seeds.",
        DefaultValueFactory = _ => 1,
    };
    private static readonly Option<int> Rounds = new("--rounds")
    {
        Description = "With --data: of each federation.",
        DefaultValueFactory = _ => 10,
    };
    private static readonly Option<int> Steps = new("--steps")
    {
        Description = "With --data: optimiser steps of a round.",
        DefaultValueFactory = _ => 10,
    };
    private static readonly Option<int> Batch = new("--batch-size")
    {
        Description = "With --data: examples of a step.",
        DefaultValueFactory = _ => 16,
    };
    private static readonly Option<double> Rate = new("--learning-rate")
    {
        Description = "With --data: of every method.",
        DefaultValueFactory = _ => 2e-3,
    };
    private static readonly Option<int> Rank = new("--rank") { Description = "With --data: of the factors.", DefaultValueFactory = _ => 8 };
    private static readonly Option<double> Alpha = new("--alpha")
    {
        Description = "With --data: how alike nodes are, as a Dirichlet split has it; 0: equal shares.",
        DefaultValueFactory = _ => 0,
    };

    public static Command Create() =>
        new Command("simulate",
            "Run federations of virtual nodes in virtual time, with the code of the real ones, and compare methods, splits and budgets.")
        {
            Scenario, Out, List, Data, Model, Nodes, Methods, Epsilon, Seeds, Rounds, Steps, Batch, Rate, Rank, Alpha, Parallel, Explain,
            Schema, Only, WithParent, CompareCommand.Create(),
        }.Writes(typeof(SimulationReport), typeof(SchemaJson), typeof(PresetsJson), typeof(ExplainedRunsJson)).Runs(RunAsync);

    private static async Task RunAsync(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
    {
        using var ending = ParentWatch.Follow(parsed.GetValue(WithParent), cancellationToken);
        await PlanAndRunAsync(parsed, output, ending.Token);
    }

    private static async Task PlanAndRunAsync(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(Schema))
        {
            output.Result(new SchemaJson(ScenarioFile.Schema()), console => console.Profile.Out.Writer.Write(ScenarioFile.Schema()));
            return;
        }

        if (parsed.GetValue(List))
        {
            output.Result(new PresetsJson(Preset.All), console => console.Write(SimulationTables.Presets()));
            return;
        }

        var folder = parsed.GetValue(Out)!;
        // A part of a sweep runs in the folder that the sweep holds.
        using var held = parsed.GetValue(Explain) || parsed.GetValue(Only) is not null ? null
            : SimulationRuns.Hold(folder, folder, TimeSpan.Zero, cancellationToken);
        var file = FileOf(parsed, folder, output, cancellationToken);
        var runs = Sweep.Plan(file);
        if (parsed.GetValue(Explain))
        {
            using var text = new StringWriter { NewLine = "\n" };
            runs[0].Scenario.Explain(text);
            output.Result(new ExplainedRunsJson([.. runs.Select(run => run.Name)], text.ToString()),
                console => console.Profile.Out.Writer.Write(text));
            return;
        }

        if (parsed.GetValue(Only) is { } only)
        {
            var names = runs.Select(run => run.Name).ToList();
            runs = [runs.FirstOrDefault(run => run.Name == only)
                ?? throw new UsageException($"{file} has no run '{only}'{Nearest.Question(only, names)}",
                    $"Its runs: {string.Join(" ", names.Take(8))}{(names.Count > 8 ? " ..." : "")}")];
        }

        OutFolder.Create(folder);
        var kept = Path.Combine(folder, "scenario.yaml");
        if (Path.GetFullPath(kept) != Path.GetFullPath(file))
            AtomicFile.Write(kept, await File.ReadAllBytesAsync(file, cancellationToken));
        await new SimulationRuns(file, folder, parsed.GetValue(Only) is null, output)
            .RunAsync(runs, parsed.GetValue(Parallel), cancellationToken);
    }

    // A file, a preset's name, or data to make a scenario of.
    private static string FileOf(ParseResult parsed, string folder, CommandOutput output,
        CancellationToken cancellationToken)
    {
        var named = parsed.GetValue(Scenario);
        if (parsed.GetValue(Data) is { } data)
        {
            if (named is not null)
                throw new UsageException($"both a scenario, {named}, and --data are named", "Give one of them.");
            var model = parsed.GetValue(Model) ?? throw new UsageException("--data needs a base model", "Give --model DIR.");
            var quick = new QuickScenario(Path.GetFullPath(data), Path.GetFullPath(model), parsed.GetValue(Nodes),
                Words(parsed.GetValue(Methods)!), Words(parsed.GetValue(Epsilon)!), Math.Max(1, parsed.GetValue(Seeds)))
            {
                Rounds = parsed.GetValue(Rounds),
                LocalSteps = parsed.GetValue(Steps),
                BatchSize = parsed.GetValue(Batch),
                LearningRate = parsed.GetValue(Rate),
                Rank = parsed.GetValue(Rank),
                Alpha = parsed.GetValue(Alpha),
            };
            // Whoever writes a comma in numbers meant one budget.
            if (quick.Epsilon.Count > 1)
                output.Remark($"{quick.Epsilon.Count} budgets, each for runs of its own: "
                    + $"epsilon {string.Join(", epsilon ", quick.Epsilon)} (one and a half is written 1.5)");
            OutFolder.Create(folder);
            var written = Path.Combine(folder, "scenario.yaml");
            AtomicFile.Write(written, quick.Write(cancellationToken));
            return written;
        }

        if (named is null)
            throw new UsageException("no scenario is named",
                "Give a YAML file, a preset (fedlora simulate --list), or --data FILE --model DIR. See: fedlora simulate --help");
        if (File.Exists(named) || Preset.All.FirstOrDefault(preset => preset.Name == named) is not { } found)
            return named;
        OutFolder.Create(folder);
        return found.Write(folder, name => Path.GetFullPath(DemoModel.Folder(name)), cancellationToken);
    }

    private static string[] Words(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>Scenarios that come with the program.</summary>
internal sealed record PresetsJson(IReadOnlyList<Preset> Presets);

/// <param name="Runs">The names of all runs.</param>
/// <param name="Yaml">The first one as a file that says all that holds.</param>
internal sealed record ExplainedRunsJson(IReadOnlyList<string> Runs, string Yaml);
