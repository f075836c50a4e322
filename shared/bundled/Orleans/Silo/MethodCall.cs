using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>A call of a grain method. The caller's task completes with the result, or earlier on cancellation or timeout.</summary>
internal sealed class MethodCall : Call
{
    private readonly GrainMethod _method;
    private readonly object?[] _arguments;
    private readonly GrainId _target;
    private readonly TaskCompletionSource<object?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer? _timer;
    private readonly CancellationTokenRegistration _registration;
    private readonly TimeSpan _timeout;
    private object? _result;
    private Exception? _failure;

    public MethodCall(GrainMethod method, object?[] arguments, GrainId target, TimeSpan timeout, TimeProvider time)
    {
        _method = method;
        _arguments = arguments;
        _target = target;
        var cancellation = method.Cancellation(arguments);
        _registration = cancellation.UnsafeRegister(static (call, token) => ((MethodCall)call!)._answer.TrySetCanceled(token), this);
        if (timeout != Timeout.InfiniteTimeSpan)
        {
            using (new NoFlow())
                _timer = time.CreateTimer(static call => ((MethodCall)call!).GiveUp(), this, timeout, Timeout.InfiniteTimeSpan);
        }

        _timeout = timeout;
        _ = CleanUpAsync();
    }

    public Task<object?> Answer => _answer.Task;

    public override bool Interleaves => _method.AlwaysInterleaves;

    public override string Description => $"{_method.Name} of {_target}";

    public override bool IsAbandoned => _answer.Task.IsCompleted;

    public override bool MovesOn => true;

    public override async Task<bool> RunAsync(object grain)
    {
        try
        {
            _result = DeepCopy.Of(await _method.InvokeAsync(grain, _arguments));
            return false;
        }
#pragma warning disable CA1031 // Whatever the grain throws belongs to the caller.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _failure = exception;
            return exception is InconsistentStateException;
        }
    }

    public override void Complete()
    {
        if (_failure is { } failure)
            _answer.TrySetException(failure);
        else
            _answer.TrySetResult(_result);
    }

    public override void Reject(Exception exception) => _answer.TrySetException(exception);

    private void GiveUp() => _answer.TrySetException(
        new TimeoutException($"Response did not arrive on time in {_timeout} for message: {Description}. "));

    private async Task CleanUpAsync()
    {
        await ((Task)_answer.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _registration.DisposeAsync().ConfigureAwait(false);
        if (_timer is not null)
            await _timer.DisposeAsync().ConfigureAwait(false);
    }
}
