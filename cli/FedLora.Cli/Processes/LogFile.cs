using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace FedLora.Cli.Processes;

/// <summary>The log of a long-running command in a file too: what stands on standard error, for who has no journal that keeps it.</summary>
internal static class LogFile
{
    private const long Largest = 64L << 20;
    private const int Kept = 10;
    private const string Line = "{Timestamp:yyyy-MM-dd HH:mm:ss} {Level:u4}: {SourceContext}[{Id}] {Message:lj}{NewLine}{Exception}";

    internal static Option<string?> Create() => new("--log-file")
    {
        Description = "File that takes the log too. At 64 MB another is begun beside it; the newest ten stay.",
        HelpName = "FILE",
    };

    /// <summary>Adds it.</summary>
    /// <exception cref="FedLoraException"><c>log-unwritable</c>.</exception>
    internal static void Add(ILoggingBuilder logging, string path)
    {
        try
        {
            // Said at the start, in one line: the library itself says nothing of a file that it cannot write.
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using var tried = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("log-unwritable", $"cannot write the log to {path}: {error.Message}",
                "choose another with --log-file, or mend its rights", error);
        }

        // Levels are the console's: one set of filters for both.
        var file = new LoggerConfiguration().MinimumLevel.Verbose().Enrich.With<EventNumber>().WriteTo.File(path, outputTemplate: Line,
            formatProvider: CultureInfo.InvariantCulture, fileSizeLimitBytes: Largest, rollOnFileSizeLimit: true,
            retainedFileCountLimit: Kept).CreateLogger();
        logging.AddProvider(new SerilogLoggerProvider(file, dispose: true));
    }

    /// <summary>An event's number by itself, as the console shows it: the library has it and the name in one.</summary>
    private sealed class EventNumber : ILogEventEnricher
    {
        public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
        {
            var @event = logEvent.Properties.GetValueOrDefault("EventId") as StructureValue;
            var id = @event?.Properties.FirstOrDefault(part => part.Name == "Id");
            logEvent.AddPropertyIfAbsent(new LogEventProperty("Id", id?.Value ?? new ScalarValue(0)));
        }
    }
}
