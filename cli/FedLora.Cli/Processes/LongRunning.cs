using FedLora.Cli.Output;
using Microsoft.Extensions.Hosting;

namespace FedLora.Cli.Processes;

/// <summary>What the hosts of long-running commands have in common.</summary>
internal static class LongRunning
{
    /// <param name="builder">The command's host.</param>
    /// <param name="service">Its name in a monitoring system.</param>
    /// <param name="log">File that takes its log too; null: none.</param>
    internal static void Configure(IHostApplicationBuilder builder, string service, string? log)
    {
        ConsoleLog.Configure(builder.Logging);
        if (log is not null)
            LogFile.Add(builder.Logging, log);
        Telemetry.Add(builder, service);
    }
}
