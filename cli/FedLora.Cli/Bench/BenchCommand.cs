using System.CommandLine;
using FedLora.Cli.Bench.Aggregate;
using FedLora.Cli.Bench.Codec;
using FedLora.Cli.Bench.Dp;
using FedLora.Cli.Bench.Training;

namespace FedLora.Cli.Bench;

/// <summary><c>fedlora bench</c>: measures this machine; every figure is compared with a peer in the same run where there is one.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure this machine: our figures beside a peer's, taken in the same run.")
    {
        BenchAggregateCommand.Create(),
        BenchCodecCommand.Create(),
        BenchDpCommand.Create(),
        BenchTrainCommand.Create(),
    };
}
