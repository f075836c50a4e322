using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Hosting;
using Orleans.Storage;

namespace Bundled.Orleans.Tests;

public interface ICounterGrain : IGrainWithStringKey
{
    Task<int> IncrementAsync();

    Task<(int Count, bool Exists, string? ETag)> LookAsync();

    Task ClearAsync();

    Task WriteTwiceAtOnceAsync();

    Task RetireAsync();
}

[GenerateSerializer]
public sealed class Counter
{
    [Id(0)] public int Count { get; set; }
}

public sealed class CounterGrain(
    [PersistentState("counter")] IPersistentState<Counter> state,
    [PersistentState("other", "named")] IPersistentState<Counter> other) : Grain, ICounterGrain
{
    public async Task<int> IncrementAsync()
    {
        state.State.Count++;
        other.State.Count += 10;
        await state.WriteStateAsync();
        await other.WriteStateAsync();
        return state.State.Count;
    }

    public Task<(int Count, bool Exists, string? ETag)> LookAsync() => Task.FromResult((state.State.Count + other.State.Count, state.RecordExists, state.Etag));

    public Task ClearAsync() => state.ClearStateAsync();

    public Task WriteTwiceAtOnceAsync()
    {
        state.State.Count++;
        var first = state.WriteStateAsync();
        state.State.Count++;
        return Task.WhenAll(first, state.WriteStateAsync());
    }

    public Task RetireAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}

/// <summary>State survives activations; a lost race is noticed.</summary>
public sealed class StateTests
{
    [Fact]
    public async Task State_survives_deactivation()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<ICounterGrain>("a");
        Assert.Equal((0, false, null), await grain.LookAsync());
        await grain.IncrementAsync();
        await grain.IncrementAsync();
        await grain.RetireAsync();
        var (count, exists, etag) = await grain.LookAsync();
        Assert.Equal(22, count);
        Assert.True(exists);
        Assert.NotNull(etag);
        await grain.ClearAsync();
        Assert.Equal((20, false, null), await grain.LookAsync());
    }

    [Fact]
    public async Task Writes_of_one_activation_queue()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<ICounterGrain>("a");
        await grain.WriteTwiceAtOnceAsync();
        Assert.Equal(2, (await grain.LookAsync()).Count);
    }

    [Fact]
    public async Task A_write_with_an_old_etag_fails_and_the_next_call_reads_again()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<ICounterGrain>("a");
        await grain.IncrementAsync();
        var storage = silo.Services.GetRequiredService<IGrainStorage>();
        var behind = new GrainState<Counter>(new());
        await storage.ReadStateAsync("counter", grain.GetGrainId(), behind);
        behind.State!.Count = 100;
        await storage.WriteStateAsync("counter", grain.GetGrainId(), behind);
        await Assert.ThrowsAsync<InconsistentStateException>(() => grain.IncrementAsync());
        Assert.Equal(101, await grain.IncrementAsync());
    }

    [Fact]
    public async Task What_a_storage_throws_arrives_as_an_Orleans_exception_around_it()
    {
        await using var silo = await TestSilo.StartAsync(builder => builder.Services.AddGrainStorage("broken", (_, _) => new BrokenStorage()));
        var failure = await Assert.ThrowsAsync<OrleansException>(() => silo.Grains.GetGrain<IBrokenGrain>("a").GoAsync());
        Assert.StartsWith("Error from storage provider BrokenStorage.s during WriteStateAsync for grain ", failure.Message, StringComparison.Ordinal);
        Assert.Equal("the disk is gone", Assert.IsType<IOException>(failure.InnerException).Message);
    }

    [Fact]
    public async Task An_unknown_storage_is_named()
    {
        await using var silo = await TestSilo.StartAsync();
        var failure = await Assert.ThrowsAsync<BadProviderConfigException>(() => silo.Grains.GetGrain<ILostGrain>("a").GoAsync());
        Assert.Contains("nowhere", failure.Message, StringComparison.Ordinal);
    }
}

public interface ILostGrain : IGrainWithStringKey
{
    Task GoAsync();
}

public sealed class LostGrain([PersistentState("s", "nowhere")] IPersistentState<Counter> state) : Grain, ILostGrain
{
    public Task GoAsync() => state.WriteStateAsync();
}

public interface IBrokenGrain : IGrainWithStringKey
{
    Task GoAsync();
}

public sealed class BrokenGrain([PersistentState("s", "broken")] IPersistentState<Counter> state) : Grain, IBrokenGrain
{
    public Task GoAsync() => state.WriteStateAsync();
}

internal sealed class BrokenStorage : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.CompletedTask;

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new IOException("the disk is gone");

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.CompletedTask;
}
