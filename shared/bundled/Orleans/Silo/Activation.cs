using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>One live instance of a grain: its queue of calls, its scheduler, its timers, its states. Life and death are in Activation.Life.cs.</summary>
internal sealed partial class Activation : IGrainContext
{
    [ThreadStatic]
    private static Activation? t_current;

    private readonly Silo _silo;
    private readonly GrainClass _class;
    private readonly ActivationScheduler _scheduler;
    private readonly LinkedList<Call> _waiting = new();
    private readonly HashSet<GrainTimer> _timers = [];
    private Call? _blocking;
    private int _running;
    private long _lastUse;
    private DateTimeOffset _keepUntil;

    public Activation(Silo silo, GrainClass grainClass, GrainId id)
    {
        _silo = silo;
        _class = grainClass;
        GrainId = id;
        _scheduler = new(this);
        _lastUse = silo.Time.GetTimestamp();
    }

    private enum Phase
    {
        Activating,
        Active,
        Deactivating,
        Gone,
    }

    /// <summary>The activation whose turn runs on this thread.</summary>
    public static Activation? Current
    {
        get => t_current;
        set => t_current = value;
    }

    public GrainId GrainId { get; }

    public object? GrainInstance { get; private set; }

    public IServiceProvider ActivationServices => _scope.ServiceProvider;

    public ILogger Log => _silo.Log;

    public bool Equals(IGrainContext? other) => ReferenceEquals(this, other);

    /// <summary>Queues the call. False: this activation has ended, another one is needed.</summary>
    public bool Receive(Call call)
    {
        lock (_waiting)
        {
            if (_phase == Phase.Gone)
                return false;
            _waiting.AddLast(call);
        }

        _scheduler.Post(Pump);
        return true;
    }

    public IGrainTimer RegisterTimer(Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        var timer = new GrainTimer(this, callback, options, _silo.Time);
        lock (_timers)
            _timers.Add(timer);
        return timer;
    }

    public void Forget(GrainTimer timer)
    {
        lock (_timers)
            _timers.Remove(timer);
    }

    public void DelayDeactivation(TimeSpan time) => _keepUntil =
        time == Timeout.InfiniteTimeSpan ? DateTimeOffset.MaxValue : time <= TimeSpan.Zero ? default : _silo.Time.GetUtcNow() + time;

    // On the scheduler: starts every waiting call that may start now.
    private void Pump()
    {
        while (_phase == Phase.Active && Next() is { } call)
            _ = RunAsync(call);
    }

    private Call? Next()
    {
        lock (_waiting)
        {
            for (LinkedListNode<Call>? node = _waiting.First, next; node is not null; node = next)
            {
                next = node.Next;
                if (node.Value.IsAbandoned)
                {
                    _waiting.Remove(node);
                }
                else if (_blocking is null || node.Value.Interleaves || _class.Reentrant)
                {
                    _waiting.Remove(node);
                    return node.Value;
                }
            }

            return null;
        }
    }

    private async Task RunAsync(Call call)
    {
        var blocks = !call.Interleaves && !_class.Reentrant;
        if (blocks)
            _blocking = call;
        _running++;
        if (call.KeepsAlive)
            _lastUse = _silo.Time.GetTimestamp();
        var broken = await call.RunAsync(GrainInstance!);
        _running--;
        if (call.KeepsAlive)
            _lastUse = _silo.Time.GetTimestamp();
        if (blocks)
            _blocking = null;
        if (broken)
            Deactivate(new(DeactivationReasonCode.ApplicationError, "Its state is not what is stored."));
        call.Complete();
        if (_running == 0)
            _idle.TrySetResult();
        Pump();
    }
}
