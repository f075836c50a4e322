using System.Collections.Concurrent;

namespace Bundled.Orleans.Tests;

/// <summary>Where test grains and tests meet: named signals and a log of what happened.</summary>
public sealed class Board
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _signals = new();

    public ConcurrentQueue<string> Events { get; } = new();

    public void Set(string name) => Signal(name).TrySetResult();

    /// <summary>Real time after which a thing has not happened: generous, since it only matters when something is broken.</summary>
    public static TimeSpan Never { get; } = TimeSpan.FromMinutes(2);

    /// <summary>Waits for a signal.</summary>
    public Task WaitAsync(string name) => Signal(name).Task.WaitAsync(Never);

    public bool IsSet(string name) => Signal(name).Task.IsCompleted;

    private TaskCompletionSource Signal(string name) =>
        _signals.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
