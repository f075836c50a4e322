namespace Orleans.Runtime;

/// <summary>While not disposed, new tasks and timers do not inherit the caller's ambient (async-local) context. Used on one thread, without awaits inside.</summary>
internal readonly struct NoFlow : IDisposable
{
    private readonly AsyncFlowControl? _control;

    public NoFlow() => _control = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();

    public void Dispose() => _control?.Undo();
}
