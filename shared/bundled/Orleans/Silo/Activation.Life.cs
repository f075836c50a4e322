using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Runtime;

/// <content>Activating, collecting, deactivating.</content>
internal sealed partial class Activation
{
    private readonly TaskCompletionSource _deactivated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _idle = new();
    private AsyncServiceScope _scope;
    private DeactivationReason? _wanted;
    private volatile Phase _phase = Phase.Activating;

    public Task Deactivated => _deactivated.Task;

    public void Start() => _scheduler.Post(() => _ = ActivateAsync());

    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default)
    {
        lock (_waiting)
        {
            if (_phase == Phase.Activating)
                _wanted = deactivationReason;
            if (_phase != Phase.Active)
                return;
            // From here on no waiting call starts on this activation.
            _phase = Phase.Deactivating;
        }

        _scheduler.Post(() => _ = EndAsync(deactivationReason));
    }

    /// <summary>Deactivates where nothing has used it for its class's age.</summary>
    public void CollectIfIdle()
    {
        if (_phase != Phase.Active || _running > 0 || _class.CollectionAge(_silo.Collection) is not { } age
            || _silo.Time.GetElapsedTime(_lastUse) < age || _silo.Time.GetUtcNow() < _keepUntil)
            return;
        lock (_waiting)
        {
            if (_waiting.Count > 0)
                return;
        }

        Deactivate(new(DeactivationReasonCode.ActivationIdle, $"Idle for {age}."));
    }

    private async Task ActivateAsync()
    {
        try
        {
            _scope = _silo.Services.CreateAsyncScope();
            using var timeout = new CancellationTokenSource(_silo.Collection.ActivationTimeout, _silo.Time);
            var states = new List<ILoadable>();
            GrainInstance = StateFacets.Construct(_class.Type, GrainId, ActivationServices, states);
            foreach (var state in states)
                await state.LoadAsync(timeout.Token);
            await ((IGrainBase)GrainInstance).OnActivateAsync(timeout.Token).WaitAsync(timeout.Token);
        }
#pragma warning disable CA1031 // Whatever it is, it goes to the callers that wait for the activation.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ActivationFailed(exception, GrainId);
            await DisposeAsync();
            foreach (var call in Leave())
                call.Reject(exception);
            return;
        }

        lock (_waiting)
            _phase = _wanted is null ? Phase.Active : Phase.Deactivating;
        if (_wanted is { } reason)
            await EndAsync(reason);
        else
            Pump();
    }

    private async Task EndAsync(DeactivationReason reason)
    {
        Log.Deactivating(GrainId, reason);
        StopTimers();
        using var timeout = new CancellationTokenSource(_silo.Collection.DeactivationTimeout, _silo.Time);
        try
        {
            await RunningCallsAsync(timeout.Token);
            await ((IGrainBase)GrainInstance!).OnDeactivateAsync(reason, timeout.Token).WaitAsync(timeout.Token);
        }
#pragma warning disable CA1031 // The activation ends whatever its farewell does.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.DeactivationFailed(exception, GrainId);
        }

        await DisposeAsync();
        foreach (var call in Leave().Where(call => call.MovesOn))
            _silo.Dispatch(GrainId, call);
    }

    private async Task RunningCallsAsync(CancellationToken timeout)
    {
        if (_running == 0)
            return;
        _idle = new();
        try
        {
            await _idle.Task.WaitAsync(timeout);
        }
        catch (OperationCanceledException)
        {
            Log.CallsLeft(GrainId, _running, _silo.Collection.DeactivationTimeout);
        }
    }

    /// <summary>Takes the activation out of the silo; returns the calls that it did not run.</summary>
    private Call[] Leave()
    {
        _silo.Remove(this);
        Call[] left;
        lock (_waiting)
        {
            _phase = Phase.Gone;
            left = [.. _waiting];
            _waiting.Clear();
        }

        _deactivated.TrySetResult();
        return left;
    }

    private void StopTimers()
    {
        GrainTimer[] timers;
        lock (_timers)
            timers = [.. _timers];
        foreach (var timer in timers)
            timer.Dispose();
    }

    private async ValueTask DisposeAsync()
    {
        StopTimers();
        if (GrainInstance is IAsyncDisposable asynchronous)
            await asynchronous.DisposeAsync();
        else
            (GrainInstance as IDisposable)?.Dispose();
        await _scope.DisposeAsync();
    }
}
