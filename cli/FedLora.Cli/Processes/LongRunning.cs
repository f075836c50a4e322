using FedLora.Cli.Output;
using Microsoft.Extensions.Hosting;

namespace FedLora.Cli.Processes;

/// <summary>What the hosts of long-running commands have in common.</summary>
internal static class LongRunning
{
    /// <param name="builder">The command's host.</param>
    /// <param name="service">Its name in a monitoring system.</param>
    internal static void Configure(IHostApplicationBuilder builder, string service)
    {
        ConsoleLog.Configure(builder.Logging);
        Telemetry.Add(builder, service);
    }
}
