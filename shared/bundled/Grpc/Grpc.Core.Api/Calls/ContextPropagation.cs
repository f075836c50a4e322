namespace Grpc.Core;

/// <summary>What a call made inside a handler inherits.</summary>
public class ContextPropagationOptions
{
    public static readonly ContextPropagationOptions Default = new();

    public ContextPropagationOptions(bool propagateDeadline = true, bool propagateCancellation = true)
    {
        IsPropagateDeadline = propagateDeadline;
        IsPropagateCancellation = propagateCancellation;
    }

    public bool IsPropagateDeadline { get; }

    public bool IsPropagateCancellation { get; }
}

/// <summary>
/// Stands in the signatures only, as in grpc-dotnet: pass <see cref="ServerCallContext.Deadline"/> and
/// <see cref="ServerCallContext.CancellationToken"/> on to the inner call instead.
/// </summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken()
    {
    }
}
