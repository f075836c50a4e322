using System.Collections.Concurrent;

namespace Bundled.Orleans.Tests;

/// <summary>Where test grains and tests meet: named signals and a log of what happened.</summary>
public sealed class Board
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _signals = new();

    public ConcurrentQueue<string> Events { get; } = new();

    public void Set(string name) => Signal(name).TrySetResult();

    /// <summary>Waits for a signal; ten seconds is "never".</summary>
    public Task WaitAsync(string name) => Signal(name).Task.WaitAsync(TimeSpan.FromSeconds(10));

    public bool IsSet(string name) => Signal(name).Task.IsCompleted;

    private TaskCompletionSource Signal(string name) =>
        _signals.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
