using Orleans.Serialization;

namespace Bundled.Orleans.Tests;

/// <summary>Identities, references, and what happens to arguments.</summary>
public sealed class KeyAndCopyTests
{
    [Fact]
    public async Task Every_kind_of_key_comes_back()
    {
        await using var silo = await TestSilo.StartAsync();
        var guid = Guid.NewGuid();
        Assert.Equal(guid, await silo.Grains.GetGrain<IKeyGrain>(guid).KeyAsync());
        Assert.Equal(-5, await silo.Grains.GetGrain<ILongGrain>(-5).KeyAsync());
        Assert.Equal($"{guid} more/of it", await silo.Grains.GetGrain<ICompoundGrain>(guid, "more/of it", null).KeyAsync());
        Assert.Equal("255 z", await silo.Grains.GetGrain<ILongCompoundGrain>(255, "z", null).KeyAsync());
        Assert.Equal("worker/name", silo.Grains.GetGrain<IWorkerGrain>("name").GetGrainId().ToString());
        Assert.Equal("longcompound/FF+z", silo.Grains.GetGrain<ILongCompoundGrain>(255, "z", null).GetGrainId().ToString());
    }

    [Fact]
    public async Task References_to_one_grain_are_equal()
    {
        await using var silo = await TestSilo.StartAsync();
        Assert.Equal(silo.Grains.GetGrain<IWorkerGrain>("a"), silo.Grains.GetGrain<IWorkerGrain>("a"));
        Assert.NotEqual(silo.Grains.GetGrain<IWorkerGrain>("a"), silo.Grains.GetGrain<IWorkerGrain>("b"));
    }

    [Fact]
    public async Task Arguments_and_results_are_copies()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IEchoGrain>("a");
        var mine = new Basket { Fruit = ["fig"], Counts = { ["fig"] = [1, 2] } };
        mine.Inner = mine;
        var theirs = await grain.KeepAsync(mine);
        Assert.NotSame(mine, theirs);
        Assert.Same(theirs, theirs.Inner);
        mine.Fruit.Add("pear");
        theirs.Counts["fig"][0] = 9;
        var kept = await grain.GetAsync();
        Assert.Equal(["fig"], kept.Fruit);
        Assert.Equal([1, 2], kept.Counts["fig"]);
        Assert.NotSame((await grain.ListAsync())[0], (await grain.ListAsync())[0]);
    }

    [Fact]
    public async Task Immutable_types_are_shared_and_unmarked_ones_refused()
    {
        await using var silo = await TestSilo.StartAsync();
        var grain = silo.Grains.GetGrain<IEchoGrain>("a");
        var value = new Sealed { Text = "x" };
        Assert.Same(value, await grain.EchoAsync(value));
        var refusal = await Assert.ThrowsAsync<CodecNotFoundException>(() => grain.RefuseAsync(new("x")));
        Assert.Contains("Unmarked", refusal.Message, StringComparison.Ordinal);
    }
}
