using FedLora.Benchmarks;
using FedLora.Cli;

return await CommandLine.RunAsync(BenchCommand.Program, args, Console.Out, Console.Error, CancellationToken.None);
