using Grpc.Core.Utils;

namespace Grpc.Core;

/// <summary>A way to one server.</summary>
public abstract class ChannelBase
{
    private int _shutdown;

    protected ChannelBase(string target) => Target = GrpcPreconditions.CheckNotNull(target, nameof(target));

    public string Target { get; }

    public abstract CallInvoker CreateCallInvoker();

    /// <exception cref="InvalidOperationException">It was called before.</exception>
    public Task ShutdownAsync()
    {
        GrpcPreconditions.CheckState(Interlocked.Exchange(ref _shutdown, 1) == 0, "The channel is shut down already.");
        return ShutdownAsyncCore();
    }

    protected virtual Task ShutdownAsyncCore() => Task.CompletedTask;
}
