using System.Diagnostics;

namespace FedLora.Tests;

/// <summary>Waiting for what another thread or process does, and cannot tell.</summary>
internal static class Until
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Real time after which a thing has not happened: generous, since it only matters when something is broken.</summary>
    internal static readonly TimeSpan Never = TimeSpan.FromMinutes(5);

    /// <summary>Waits until a thing is so.</summary>
    /// <param name="what">The thing, as the failure names it.</param>
    /// <param name="isSo">Asked again and again.</param>
    /// <param name="meanwhile">Done after every answer that it is not so: puts a clock forward, ...</param>
    /// <param name="limit">How long; null: <see cref="Never"/>.</param>
    /// <exception cref="TimeoutException">It did not become so.</exception>
    internal static async Task SoAsync(string what, Func<Task<bool>> isSo, Action? meanwhile = null, TimeSpan? limit = null)
    {
        var (since, most) = (Stopwatch.GetTimestamp(), limit ?? Never);
        while (!await isSo().WaitAsync(Never, TestContext.Current.CancellationToken))
        {
            if (Stopwatch.GetElapsedTime(since) > most)
                throw new TimeoutException($"waited {most.TotalSeconds:0} s in vain until {what}");
            meanwhile?.Invoke();
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }

    /// <inheritdoc cref="SoAsync(string, Func{Task{bool}}, Action, TimeSpan?)"/>
    internal static Task SoAsync(string what, Func<bool> isSo, Action? meanwhile = null, TimeSpan? limit = null) =>
        SoAsync(what, () => Task.FromResult(isSo()), meanwhile, limit);
}
