namespace Bundled.Orleans.Tests;

/// <summary>One call at a time per grain, awaits included; grains side by side.</summary>
public sealed class TurnTests
{
    private static readonly TimeSpan Never = Board.Never;

    [Fact]
    public async Task Two_calls_to_one_grain_never_interleave()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("a");
        var first = grain.HoldAsync("first");
        var second = grain.HoldAsync("second");
        await silo.Board.WaitAsync("first in");
        // The second could run now if it were allowed to: the grain sits at an await. A third, interleaving call proves that the queue was looked at.
        silo.Board.Set("peek");
        await grain.PeekAsync("peek").WaitAsync(Never);
        Assert.False(silo.Board.IsSet("second in"));
        silo.Board.Set("second");
        silo.Board.Set("first");
        await Task.WhenAll(first, second).WaitAsync(Never);
        Assert.Equal(["a activated", "first in", "peek in", "peek out", "first out", "second in", "second out"], silo.Board.Events);
    }

    [Fact]
    public async Task Two_grains_run_in_parallel()
    {
        await using var silo = await TestSilo.StartAsync();
        var a = silo.Grains.GetGrain<IWorkerGrain>("a").HoldAsync("x");
        var b = silo.Grains.GetGrain<IWorkerGrain>("b").HoldAsync("y");
        // Each waits until the other is inside: neither could end if they took turns.
        await silo.Board.WaitAsync("x in");
        await silo.Board.WaitAsync("y in");
        silo.Board.Set("x");
        silo.Board.Set("y");
        await Task.WhenAll(a, b).WaitAsync(Never);
    }

    [Fact]
    public async Task A_reentrant_grain_interleaves_at_awaits()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IReentrantGrain>(7);
        var calls = Task.WhenAll(grain.HoldAsync("x"), grain.HoldAsync("y"));
        await silo.Board.WaitAsync("x in");
        await silo.Board.WaitAsync("y in");
        silo.Board.Set("x");
        silo.Board.Set("y");
        await calls.WaitAsync(Never);
    }

    [Fact]
    public async Task Ten_thousand_racing_additions_lose_none()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("sum");
        await Task.WhenAll(Enumerable.Range(0, 10_000).Select(_ => Task.Run(() => grain.AddAsync(1)))).WaitAsync(Never);
        Assert.Equal(10_000, await grain.AddAsync(0));
    }

    [Fact]
    public async Task Exceptions_reach_the_caller_and_the_grain_goes_on()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("a");
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => grain.FailAsync());
        Assert.Equal("no luck", failure.Message);
        Assert.Equal(2, await grain.AddAsync(2));
    }

    [Fact]
    public async Task Cancelling_frees_the_caller_and_tells_the_callee()
    {
        await using var silo = await TestSilo.StartAsync();
        using var cancel = new CancellationTokenSource();
        var call = silo.Grains.GetGrain<IWorkerGrain>("a").WaitAsync(cancel.Token);
        await silo.Board.WaitAsync("waiting");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Never));
        await silo.Board.WaitAsync("callee cancelled");
    }

    [Fact]
    public async Task A_call_that_is_cancelled_in_the_queue_never_runs()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("a");
        var first = grain.HoldAsync("first");
        await silo.Board.WaitAsync("first in");
        using var cancel = new CancellationTokenSource();
        var queued = grain.WaitAsync(cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queued.WaitAsync(Never));
        silo.Board.Set("first");
        await first.WaitAsync(Never);
        Assert.Equal(1, await grain.AddAsync(1).WaitAsync(Never));
        Assert.False(silo.Board.IsSet("waiting"));
    }

    [Fact]
    public async Task A_grain_that_waits_for_itself_times_out_instead_of_hanging()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("a");
        var call = grain.CallSelfAsync();
        await silo.Board.WaitAsync("calls itself");
        await silo.AdvanceUntilAsync(() => call.IsCompleted && silo.Board.IsSet("gave up"), TimeSpan.FromSeconds(31));
        await Assert.ThrowsAsync<TimeoutException>(() => call);
        Assert.Equal(0, await grain.AddAsync(0).WaitAsync(Never));
    }

    [Fact]
    public async Task Timeouts_are_the_method_s_own()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("a");
        var patient = grain.HoldLongAsync("patient");
        await silo.Board.WaitAsync("patient in");
        var queued = grain.AddAsync(1);
        await silo.AdvanceUntilAsync(() => queued.IsCompleted, TimeSpan.FromSeconds(31));
        await Assert.ThrowsAsync<TimeoutException>(() => queued);
        Assert.False(patient.IsCompleted);
        silo.Board.Set("patient");
        await patient.WaitAsync(Never);
        Assert.Equal(0, await grain.AddAsync(0));
    }

    [Fact]
    public async Task Calls_after_the_end_are_refused()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IWorkerGrain>("a");
        await grain.AddAsync(1);
        await silo.StopAsync();
        Assert.Contains("a deactivated ShuttingDown", silo.Board.Events);
        await Assert.ThrowsAsync<SiloUnavailableException>(() => grain.AddAsync(1));
    }
}
