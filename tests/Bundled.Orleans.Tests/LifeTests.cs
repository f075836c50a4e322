using Orleans.Configuration;

namespace Bundled.Orleans.Tests;

public interface ITimerGrain : IGrainWithStringKey
{
    Task StartAsync(TimeSpan due, TimeSpan period, bool keepAlive);

    Task ChangeAsync(TimeSpan due, TimeSpan period);

    Task StopAsync();

    Task HoldAsync(string name);
}

public sealed class TimerGrain(Board board) : Grain, ITimerGrain
{
    private IGrainTimer? _timer;
    private int _ticks;

    public Task StartAsync(TimeSpan due, TimeSpan period, bool keepAlive)
    {
        _timer = this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(due, period) { KeepAlive = keepAlive });
        return Task.CompletedTask;
    }

    public Task ChangeAsync(TimeSpan due, TimeSpan period)
    {
        _timer!.Change(due, period);
        return Task.CompletedTask;
    }

    public Task StopAsync()
    {
        _timer!.Dispose();
        return Task.CompletedTask;
    }

    public async Task HoldAsync(string name)
    {
        board.Set($"{name} in");
        await board.WaitAsync(name);
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        board.Set($"gone {reason.ReasonCode}");
        return Task.CompletedTask;
    }

    private Task TickAsync(CancellationToken cancellationToken)
    {
        board.Set($"tick {++_ticks}");
        return _ticks == 2 ? throw new InvalidOperationException("a tick fails") : Task.CompletedTask;
    }
}

[CollectionAgeLimit(Minutes = 5)]
public sealed class ShortLivedGrain(Board board) : Grain, IShortLivedGrain
{
    public Task TouchAsync() => Task.CompletedTask;

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        board.Set($"short {reason.ReasonCode}");
        return Task.CompletedTask;
    }
}

public interface IShortLivedGrain : IGrainWithStringKey
{
    Task TouchAsync();
}

[KeepAlive]
public sealed class ForeverGrain(Board board) : Grain, IForeverGrain
{
    public Task TouchAsync() => Task.CompletedTask;

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        board.Events.Enqueue($"forever {reason.ReasonCode}");
        return Task.CompletedTask;
    }
}

public interface IForeverGrain : IGrainWithStringKey
{
    Task TouchAsync();
}

public interface IStillbornGrain : IGrainWithStringKey
{
    Task GoAsync();
}

public sealed class StillbornGrain(Board board) : Grain, IStillbornGrain
{
    public override Task OnActivateAsync(CancellationToken cancellationToken) =>
        board.IsSet("healthy") ? Task.CompletedTask : throw new InvalidOperationException("cannot wake");

    public Task GoAsync() => Task.CompletedTask;
}

/// <summary>Activation, idle collection, deactivation, timers.</summary>
public sealed class LifeTests
{
    [Fact]
    public async Task Retiring_ends_the_activation_and_queued_calls_meet_a_new_one()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("a");
        await grain.AddAsync(5);
        var hold = grain.HoldAsync("h");
        await silo.Board.WaitAsync("h in");
        var retire = grain.RetireAsync();
        silo.Board.Set("h");
        await Task.WhenAll(hold, retire);
        await silo.Board.WaitAsync("a deactivated");
        Assert.Equal(1, await grain.AddAsync(1));
        Assert.Equal(
            ["a activated", "h in", "h out", "a deactivated ApplicationRequested", "a activated"], silo.Board.Events);
    }

    [Fact]
    public async Task Idle_grains_are_collected_and_busy_or_kept_ones_are_not()
    {
        await using var silo = await TestSilo.StartAsync(builder => builder.Configure<GrainCollectionOptions>(options =>
        {
            options.CollectionAge = TimeSpan.FromMinutes(10);
            options.CollectionQuantum = TimeSpan.FromMinutes(1);
        }));
        await silo.Grains.GetGrain<IForeverGrain>("f").TouchAsync();
        await silo.Grains.GetGrain<IShortLivedGrain>("s").TouchAsync();
        await silo.Grains.GetGrain<IWorkerGrain>("idle").AddAsync(1);
        var busy = silo.Grains.GetGrain<IWorkerGrain>("busy").HoldLongAsync("b");
        await silo.Board.WaitAsync("b in");
        silo.Time.Advance(TimeSpan.FromMinutes(5));
        await silo.Board.WaitAsync("short ActivationIdle");
        Assert.False(silo.Board.IsSet("idle deactivated"));
        silo.Time.Advance(TimeSpan.FromMinutes(4.9));
        silo.Time.Advance(TimeSpan.FromMinutes(1.1));
        await silo.Board.WaitAsync("idle deactivated");
        Assert.Contains("idle deactivated ActivationIdle", silo.Board.Events);
        Assert.False(silo.Board.IsSet("busy deactivated"));
        silo.Board.Set("b");
        await Assert.ThrowsAsync<TimeoutException>(() => busy);
        Assert.DoesNotContain("forever ActivationIdle", silo.Board.Events);
    }

    [Fact]
    public async Task A_failed_activation_fails_its_callers_and_the_next_call_tries_again()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IStillbornGrain>("a");
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => grain.GoAsync());
        Assert.Equal("cannot wake", failure.Message);
        silo.Board.Set("healthy");
        await grain.GoAsync();
    }

    [Fact]
    public async Task Timers_tick_in_turns_survive_failures_and_can_be_changed_and_stopped()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<ITimerGrain>("a");
        await grain.StartAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2), keepAlive: false);
        silo.Time.Advance(TimeSpan.FromSeconds(4));
        await grain.ChangeAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(2));
        Assert.False(silo.Board.IsSet("tick 1"));
        silo.Time.Advance(TimeSpan.FromSeconds(5));
        await silo.Board.WaitAsync("tick 1");
        // A tick waits for the call at work.
        var hold = grain.HoldAsync("h");
        await silo.Board.WaitAsync("h in");
        silo.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(silo.Board.IsSet("tick 2"));
        silo.Board.Set("h");
        await hold;
        await silo.Board.WaitAsync("tick 2");
        await grain.ChangeAsync(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        silo.Time.Advance(TimeSpan.FromSeconds(1));
        await silo.Board.WaitAsync("tick 3");
        await grain.StopAsync();
        silo.Time.Advance(TimeSpan.FromSeconds(20));
        await grain.HoldAsync("h");
        Assert.False(silo.Board.IsSet("tick 4"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ticks_count_as_use_only_when_asked(bool keepAlive)
    {
        await using var silo = await TestSilo.StartAsync(builder => builder.Configure<GrainCollectionOptions>(options => options.CollectionAge = TimeSpan.FromMinutes(2)));
        await silo.Grains.GetGrain<ITimerGrain>("a").StartAsync(TimeSpan.FromSeconds(59), Timeout.InfiniteTimeSpan, keepAlive);
        silo.Time.Advance(TimeSpan.FromSeconds(59));
        await silo.Board.WaitAsync("tick 1");
        if (keepAlive)
        {
            silo.Time.Advance(TimeSpan.FromSeconds(61));
            silo.Board.Set("h");
            await silo.Grains.GetGrain<ITimerGrain>("a").HoldAsync("h");
            Assert.False(silo.Board.IsSet("gone ActivationIdle"));
        }
        else
        {
            await silo.AdvanceUntilAsync(() => silo.Board.IsSet("gone ActivationIdle"), TimeSpan.FromSeconds(61));
        }
    }
}
