using FedLora.Benchmarks;
using FedLora.Cli;

return await CommandLine.RunAsync(() => BenchCommand.Root, args, Console.Out, Console.Error, CancellationToken.None);
