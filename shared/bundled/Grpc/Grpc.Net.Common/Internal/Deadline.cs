namespace Grpc.Net.Internal;

/// <summary>The point in time at which the client of a call stops waiting; none for a call without one.</summary>
internal sealed class Deadline : IAsyncDisposable
{
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(40);

    private readonly DateTime _at;
    private readonly TimeProvider _time;
    private ITimer? _timer;

    /// <exception cref="InvalidOperationException">It is not given in UTC.</exception>
    public Deadline(DateTime? at, TimeProvider time)
    {
        _at = at ?? DateTime.MaxValue;
        _time = time;
        if (_at != DateTime.MaxValue && _at != DateTime.MinValue && _at.Kind != DateTimeKind.Utc)
        {
            throw new InvalidOperationException(
                "Deadline must have a kind DateTimeKind.Utc or be equal to DateTime.MaxValue or DateTime.MinValue.");
        }
    }

    /// <summary>Null without a deadline; at most what grpc-timeout can say.</summary>
    public TimeSpan? Remaining
    {
        get
        {
            if (_at == DateTime.MaxValue) return null;
            var remaining = _at - _time.GetUtcNow().UtcDateTime;
            return remaining < Timeouts.Longest ? remaining : Timeouts.Longest;
        }
    }

    public bool HasPassed => Remaining <= TimeSpan.Zero;

    public void Start(Action passed)
    {
        if (Remaining is null) return;

        // Created at rest: the callback needs the field.
        _timer = _time.CreateTimer(_ => Check(passed), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Check(passed);
    }

    /// <summary>Done when the callback is not running and will not run again.</summary>
    public ValueTask DisposeAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Check(Action passed)
    {
        var remaining = Remaining!.Value;
        if (remaining <= TimeSpan.Zero) passed();
        else _timer!.Change(remaining < LongestTimer ? remaining : LongestTimer, Timeout.InfiniteTimeSpan);
    }
}
