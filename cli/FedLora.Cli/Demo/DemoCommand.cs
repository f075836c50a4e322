using System.CommandLine;
using FedLora.Aggregation;
using FedLora.Cli.Commands;
using FedLora.Cli.Output;
using FedLora.Compression;

namespace FedLora.Cli.Demo;

/// <summary><c>fedlora demo</c>: a real federation on this machine, on real mail, ending with what it was worth.</summary>
internal static class DemoCommand
{
    private static readonly Option<string> Method = new("--method")
    {
        Description = $"How updates are aggregated: {string.Join(", ", Methods.All.Select(method => method.Name))}.",
        DefaultValueFactory = _ => "fedit",
    };
    private static readonly Option<int?> Rounds = new("--rounds")
    {
        Description = $"Rounds of the federation; default {DemoOptions.PlainRounds}, under privacy {DemoOptions.PrivateRounds}.",
    };
    private static readonly Option<int?> Steps = new("--steps")
    {
        Description =
            $"Training steps of each node in a round; default {DemoOptions.PlainSteps}, under privacy {DemoOptions.PrivateSteps}.",
    };
    private static readonly Option<int> Nodes = new("--nodes")
    {
        Description = "Client processes, each with mail of its own.",
        DefaultValueFactory = _ => 4,
    };
    private static readonly Option<double?> Epsilon = new("--epsilon")
    {
        Description = "Train with differential privacy: the budget of every site.",
    };
    private static readonly Option<double> Delta = new("--delta")
    {
        Description = "What epsilon is stated at.",
        DefaultValueFactory = _ => 1e-5,
    };
    private static readonly Option<string?> Model = new("--model") { Description = "Folder of another base model." };
    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Folder for adapter, logs and report; default: the next free fedlora-demo/N.",
    };
    private static readonly Option<int> Seed = new("--seed")
    {
        Description = "Seed of the split over the sites and of the first adapter.",
        DefaultValueFactory = _ => 1,
    };
    private static readonly Option<double> DensityDown = Share("--density-down",
        "Share of the adapter's entries that travels to the nodes, e.g. 1/4 or 0.25.");
    private static readonly Option<double> DensityUp = Share("--density-up",
        "Share of an update's entries that travels to the coordinator, e.g. 1/16.");
    private static readonly Option<string> Values = new("--values")
    {
        Description = $"How the entries that travel are stored: {ValueFormats.Names}.",
        DefaultValueFactory = _ => ValueFormats.Default,
    };
    private static readonly Option<bool> SpareB = new("--spare-b")
    {
        Description = "Take a density's share of A, B and head each, and not of all together.",
    };
    private static readonly Option<bool> ErrorFeedback = new("--error-feedback")
    {
        Description = "Nodes keep what a density above left unsent, and add it to their next update.",
    };
    private static readonly Option<bool> KeepOptimizer = new("--keep-optimizer")
    {
        Description = "Nodes keep AdamW's means from round to round, and do not start them anew in each.",
    };
    private static readonly Option<bool> Densities = new("--densities")
    {
        Description =
            $"Run {string.Join(", ", DensityRun.Methods)} (or --method) at densities 1, 1/4, 1/16, 1/64 down, up and both ways, and draw "
                + $"accuracy against bytes.",
    };
    private static readonly Option<bool> Dashboard =
        new("--dashboard")
        {
            Description = "Leave the coordinator up at the end, and print the link that opens its dashboard; Ctrl-C ends it.",
        };
    private static readonly Option<bool> Compare = new("--compare")
    {
        Description = "Run every method on the same data, seed and steps, and draw the comparison.",
    };

    public static Command Create()
    {
        Values.AcceptOnlyFromAmong([.. ValueFormats.ByName.Keys]);
        return new Command("demo", "See it work: one coordinator and four clients fine-tune a language model together on real mail.")
        {
            Method, Rounds, Steps, Nodes, Epsilon, Delta, Model, Out, Seed, DensityDown, DensityUp, Values, SpareB, ErrorFeedback,
                KeepOptimizer, Compare, Densities, Dashboard,
        }.Writes(typeof(DemoReport), typeof(CompareReport), typeof(DensityReport)).Runs(async (parsed, output, cancellationToken) =>
        {
            var options = Options(parsed);
            if (parsed.GetValue(Compare))
            {
                await CompareRun.RunAsync(options, output, cancellationToken);
                return;
            }
            if (parsed.GetValue(Densities))
            {
                await DensityRun.RunAsync(options, parsed.GetResult(Method) is { Implicit: false } ? [options.Method] : DensityRun.Methods,
                    output, cancellationToken);
                return;
            }
            await new DemoRun(options, output).RunAsync(
                report =>
                {
                    AtomicFile.Write(Path.Combine(options.Out, "report.json"), Json.Write(report));
                    output.Result(report, console => console.Write(DemoTables.Result(report)));
                },
                cancellationToken);
        });
    }

    private static DemoOptions Options(ParseResult parsed)
    {
        var method = Methods.Get(parsed.GetValue(Method)!).Name;
        if (parsed.GetValue(Compare) && parsed.GetValue(Densities))
            throw new UsageException("--compare and --densities are two different runs", "give one of them");
        if (parsed.GetValue(Rounds) < 1 || parsed.GetValue(Steps) < 1 || parsed.GetValue(Nodes) is < 1 or > 50)
            throw new UsageException("--rounds and --steps must be at least 1, --nodes 1 to 50", "e.g. --rounds 12 --steps 10 --nodes 4");
        if (parsed.GetValue(Epsilon) is { } epsilon && !(epsilon > 0 && double.IsFinite(epsilon)))
            throw new UsageException("--epsilon must be above 0", "e.g. --epsilon 8");
        if (parsed.GetValue(Delta) is not (> 0 and < 1))
            throw new UsageException("--delta must be above 0 and below 1", "e.g. --delta 1e-5");
        var isPrivate = parsed.GetValue(Epsilon) is not null;
        return new DemoOptions
        {
            Method = method,
            Rounds = parsed.GetValue(Rounds) ?? (isPrivate ? DemoOptions.PrivateRounds : DemoOptions.PlainRounds),
            Steps = parsed.GetValue(Steps) ?? (isPrivate ? DemoOptions.PrivateSteps : DemoOptions.PlainSteps),
            Nodes = parsed.GetValue(Nodes),
            Epsilon = parsed.GetValue(Epsilon),
            Delta = parsed.GetValue(Delta),
            Model = DemoModel.Check(parsed.GetValue(Model) ?? DemoModel.Folder()),
            Out = parsed.GetValue(Out) ?? DemoWorkplace.NextFree(),
            Seed = parsed.GetValue(Seed),
            DensityDown = parsed.GetValue(DensityDown),
            DensityUp = parsed.GetValue(DensityUp),
            Values = parsed.GetValue(Values)!,
            SpareB = parsed.GetValue(SpareB),
            ErrorFeedback = parsed.GetValue(ErrorFeedback),
            KeepOptimizer = parsed.GetValue(KeepOptimizer),
            Dashboard = parsed.GetValue(Dashboard),
        };
    }

    private static Option<double> Share(string name, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => 1,
        CustomParser = result =>
        {
            if (Number.Parse(result.Tokens[0].Value) is > 0 and <= 1 and var share)
                return share;
            result.AddError($"{name} lies above 0 and at most at 1, and '{result.Tokens[0].Value}' does not: e.g. 1/16 or 0.0625.");
            return 1;
        },
    };
}
