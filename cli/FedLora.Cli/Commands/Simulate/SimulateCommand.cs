using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Simulations.Scenarios;

namespace FedLora.Cli.Commands.Simulate;

/// <summary><c>fedlora simulate SCENARIO.yaml</c>.</summary>
internal static class SimulateCommand
{
    private static readonly Argument<string?> Scenario = new("scenario") { Description = "YAML file: nodes, data and time, and a federation file in it. See docs/simulate.md.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string> Out = new("--out") { Description = "The run folder; finished runs in it are not run again.", DefaultValueFactory = _ => "./fedlora-simulation" };
    private static readonly Option<int> Parallel = new("--parallel") { Description = "Runs of a sweep at a time; 0: as many as there are cores. Results do not depend on it.", DefaultValueFactory = _ => 0 };
    private static readonly Option<bool> Explain = new("--explain") { Description = "Print all that holds, defaults too, as a scenario that reads to the same; run nothing." };
    private static readonly Option<bool> Schema = new("--schema") { Description = "Print the JSON schema of scenarios, for editors." };
    private static readonly Option<string?> Only = new("--only") { Description = "Run this one of a sweep's runs, e.g. method=fedsvd,seed=1." };

    public static Command Create() => new Command("simulate", "Run federations of virtual nodes in virtual time, with the code of the real ones, and compare methods, splits and budgets.")
    {
        Scenario, Out, Parallel, Explain, Schema, Only, CompareCommand.Create(),
    }.Runs(RunAsync);

    private static async Task RunAsync(ParseResult parsed, CommandOutput output, CancellationToken cancellation)
    {
        if (parsed.GetValue(Schema))
        {
            output.Result(new { schema = ScenarioFile.Schema() }, console => console.Profile.Out.Writer.Write(ScenarioFile.Schema()));
            return;
        }

        var file = parsed.GetValue(Scenario) ?? throw new UsageException("no scenario is named", "Give a YAML file; docs/simulate.md shows one. See: fedlora simulate --help");
        var runs = Sweep.Plan(file);
        if (parsed.GetValue(Explain))
        {
            using var text = new StringWriter { NewLine = "\n" };
            runs[0].Scenario.Explain(text);
            output.Result(new { runs = runs.Select(run => run.Name), yaml = text.ToString() }, console => console.Profile.Out.Writer.Write(text));
            return;
        }

        if (parsed.GetValue(Only) is { } only)
        {
            var names = runs.Select(run => run.Name).ToList();
            runs = [runs.FirstOrDefault(run => run.Name == only) ?? throw new UsageException($"{file} has no run '{only}'{Nearest.Question(only, names)}", $"Its runs: {string.Join(" ", names.Take(8))}{(names.Count > 8 ? " ..." : "")}")];
        }

        var folder = parsed.GetValue(Out)!;
        OutFolder.Create(folder);
        AtomicFile.Write(Path.Combine(folder, "scenario.yaml"), await File.ReadAllBytesAsync(file, cancellation));
        await new SimulationRuns(file, folder, parsed.GetValue(Only) is null, output).RunAsync(runs, parsed.GetValue(Parallel), cancellation);
    }
}
