using System.Diagnostics.CodeAnalysis;

namespace Orleans.Runtime;

/// <summary>One activation of a grain, as the grain sees it.</summary>
public interface IGrainContext : IEquatable<IGrainContext>
{
    GrainId GrainId { get; }

    object? GrainInstance { get; }

    IServiceProvider ActivationServices { get; }

    /// <summary>Completes when the activation has ended.</summary>
    Task Deactivated { get; }

    void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default);
}

/// <summary>A timer of a grain; ends with the activation.</summary>
public interface IGrainTimer : IDisposable
{
    /// <summary>Due after <paramref name="dueTime"/>, then every <paramref name="period"/>, counted from the end of the callback; infinite means never.</summary>
    void Change(TimeSpan dueTime, TimeSpan period);
}

/// <summary>How a grain timer ticks.</summary>
public readonly struct GrainTimerCreationOptions()
{
    [SetsRequiredMembers]
    public GrainTimerCreationOptions(TimeSpan dueTime, TimeSpan period)
        : this()
    {
        DueTime = dueTime;
        Period = period;
    }

    public required TimeSpan DueTime { get; init; }

    public required TimeSpan Period { get; init; }

    /// <summary>The callback may run between the turns of other calls; otherwise it waits for its own, like a call.</summary>
    public bool Interleave { get; init; }

    /// <summary>Ticks count as use, so that the activation is not idle.</summary>
    public bool KeepAlive { get; init; }
}

/// <summary>Base of the runtime's exceptions.</summary>
public class OrleansException : Exception
{
    public OrleansException()
        : base("Unexpected error.")
    {
    }

    public OrleansException(string message)
        : base(message)
    {
    }

    public OrleansException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
