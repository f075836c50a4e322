using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Simulations.Results;

namespace FedLora.Cli.Commands.Simulate;

/// <summary><c>fedlora simulate compare RUN RUN</c>.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var first = new Argument<string>("first") { Description = "A simulation's folder, or one run of it." };
        var second = new Argument<string>("second") { Description = "The one to compare it with." };
        return new Command("compare", "Compare two simulations' last rounds, seed by seed where they have the same seeds.")
        {
            first,
            second,
        }
            .Writes(typeof(ComparisonJson)).Runs((parsed, output, _) =>
        {
            var (one, other) = (RunsFile.Read(parsed.GetValue(first)!), RunsFile.Read(parsed.GetValue(second)!));
            var differences = DifferenceRow.Of(one, other);
            output.Result(new ComparisonJson(ComparisonRow.Of(one), ComparisonRow.Of(other), differences), console =>
            {
                console.Write(SimulationTables.Comparison(ComparisonRow.Of(one)));
                console.Write(SimulationTables.Comparison(ComparisonRow.Of(other)));
                console.Write(SimulationTables.Differences(differences));
            });
            return Task.CompletedTask;
        });
    }
}

/// <summary>Two simulations' last rounds.</summary>
internal sealed record ComparisonJson(IReadOnlyList<ComparisonRow> First, IReadOnlyList<ComparisonRow> Second,
    IReadOnlyList<DifferenceRow> Differences);
