using System.CommandLine;
using System.CommandLine.Help;
using FedLora.Benchmarks.Aggregate;
using FedLora.Benchmarks.Codec;
using FedLora.Benchmarks.Cohort;
using FedLora.Benchmarks.Dp;
using FedLora.Benchmarks.Inference;
using FedLora.Benchmarks.Serve;
using FedLora.Benchmarks.Simulate;
using FedLora.Benchmarks.Tokenize;
using FedLora.Benchmarks.Training;
using FedLora.Cli.Commands;

namespace FedLora.Benchmarks;

/// <summary><c>fedlora bench</c>: measures this machine; every figure is compared with a peer in the same run where there is one.</summary>
internal static class BenchCommand
{
    /// <summary>The tree as <c>fedlora</c> shows it, of which this program has one branch.</summary>
    public static Command Root => WholeTree.Value;

    private static readonly Lazy<Command> WholeTree = new(() =>
        Examples.AddTo(new Command("fedlora") { FedLoraCommand.Json, new HelpOption { Recursive = true }, Create() }.ReadsNumbers()));

    private static Command Create() => new("bench", "Measure this machine: our figures beside a peer's, taken in the same run.")
    {
        BenchAggregateCommand.Create(),
        BenchCodecCommand.Create(),
        BenchCohortCommand.Create(),
        BenchDpCommand.Create(),
        BenchEvaluateCommand.Create(),
        BenchGenerateCommand.Create(),
        BenchMemoryCommand.Create(),
        BenchServeCommand.Create(),
        BenchSimulateCommand.Create(),
        BenchTokenizeCommand.Create(),
        BenchTrainCommand.Create(),
    };
}
