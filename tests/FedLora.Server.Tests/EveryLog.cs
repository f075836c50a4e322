using System.Text;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Tests;

/// <summary>All that is logged, down to the last detail: messages, what they are made of, scopes, exceptions.</summary>
internal sealed class EveryLog : ILoggerProvider, ILogger
{
    private readonly StringBuilder _text = new();

    /// <summary>What was logged so far.</summary>
    public string Text
    {
        get
        {
            lock (_text)
                return _text.ToString();
        }
    }

    /// <summary>Has everything logged, here too.</summary>
    public void AddTo(ILoggingBuilder logging) =>
        logging.SetMinimumLevel(LogLevel.Trace).AddProvider(this).AddFilter<EveryLog>(null, LogLevel.Trace);

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        Add(state.ToString());
        return null;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        Add(formatter(state, exception));
        Add(exception?.ToString());
        if (state is IEnumerable<KeyValuePair<string, object?>> values)
        {
            foreach (var (name, value) in values)
                Add($"{name}: {value}");
        }
    }

    public void Dispose()
    {
        // What was heard is asked for afterwards.
    }

    private void Add(string? line)
    {
        lock (_text)
            _text.AppendLine(line);
    }
}
