using System.Globalization;
using Microsoft.Extensions.Logging;

namespace FedLora.Core.Audit;

/// <summary>
/// Writes this program's own log messages, from information on, into its <see cref="AuditLog"/>, with what they are about.
/// </summary>
/// <param name="log">Opened by the first message: a program that ends before it leaves no log behind.</param>
/// <param name="time">The entries' clock.</param>
[ProviderAlias("Audit")]
public sealed class AuditLoggerProvider(Lazy<AuditLog> log, TimeProvider time) : ILoggerProvider
{
    private const string Own = "FedLora.";
    private const string Template = "{OriginalFormat}";

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(log, time, categoryName.StartsWith(Own, StringComparison.Ordinal));

    /// <inheritdoc/>
    public void Dispose()
    {
        // The log is its owner's.
    }

    private sealed class Logger(Lazy<AuditLog> log, TimeProvider time, bool isOwn) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => isOwn && logLevel is >= LogLevel.Information and < LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var fields = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var (name, value) in state as IEnumerable<KeyValuePair<string, object?>> ?? [])
            {
                if (name != Template && value is not null)
                    fields[char.ToLowerInvariant(name[0]) + name[1..]] = FormattableString.Invariant($"{value}");
            }
            if (exception is not null)
                fields["error"] = exception.GetBaseException().GetType().Name;
            log.Value.Append(time.GetUtcNow(), logLevel.ToString().ToLowerInvariant(),
                eventId.Name ?? eventId.Id.ToString(CultureInfo.InvariantCulture), formatter(state, exception), fields);
        }
    }
}
