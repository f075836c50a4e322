using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace FedLora.Cli.Output;

/// <summary>The log of long-running commands: one line per message on standard error.</summary>
internal static class ConsoleLog
{
    /// <summary>Sets the log up.</summary>
    internal static void Configure(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        // What the host says of a failed start, the command says in its own one line.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        logging.AddFilter("Orleans", LogLevel.Warning);
        // Advice about the server garbage collector, and about clocks, at every start.
        logging.AddFilter("Orleans.Runtime.Silo", LogLevel.Error);
        logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        // Of a coordinator that dies: a stack for each message and connection to it. Who has gone, this program says itself.
        foreach (var category in (string[])["Orleans.Messaging", "Orleans.Runtime.Messaging", "Orleans.Runtime.CallbackData",
            "Orleans.Runtime.MembershipService"])
            logging.AddFilter(category, LogLevel.Critical);
        logging.AddFilter("Polly", LogLevel.Error);
        // What becomes of a call, this program says itself, in one line without a stack.
        logging.AddFilter("Grpc", LogLevel.Warning);
        // A stack for every message that is none: whoever reaches the port could fill the disk with them.
        logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.Critical);
        logging.AddFilter("System.Net.Http", LogLevel.Warning);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd HH:mm:ss ";
            console.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
