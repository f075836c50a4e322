using Orleans.Storage;

namespace FedLora.Server.Tests.Stores;

/// <summary>What every grain storage must do. A store's tests derive from it.</summary>
public abstract class GrainStorageSuite
{
    private static readonly GrainId Id = GrainId.Create("federation", "demo");

    protected abstract IGrainStorage Storage { get; }

    /// <summary>The same storage as another process would open it.</summary>
    protected abstract IGrainStorage Reopened();

    [Fact]
    public async Task A_state_that_was_never_written_is_new()
    {
        var state = new GrainState<Sample>(new() { Text = "left over" });
        await Storage.ReadStateAsync("s", Id, state);
        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.Equal("", state.State!.Text);
    }

    [Fact]
    public async Task What_was_written_is_read_back_also_after_reopening()
    {
        var state = new GrainState<Sample>(new() { Text = "höhe \"1\"", Numbers = { ["a"] = 0.1, ["b"] = double.MaxValue } });
        await Storage.WriteStateAsync("s", Id, state);
        Assert.True(state.RecordExists);
        var read = await ReadAsync(Reopened());
        Assert.Equal(state.ETag, read.ETag);
        Assert.Equal("höhe \"1\"", read.State!.Text);
        Assert.Equal([0.1, double.MaxValue], read.State.Numbers.Values);
    }

    [Fact]
    public async Task States_and_grains_do_not_mix()
    {
        await Storage.WriteStateAsync("s", Id, new GrainState<Sample>(new() { Text = "one" }));
        await Storage.WriteStateAsync("t", Id, new GrainState<Sample>(new() { Text = "two" }));
        await Storage.WriteStateAsync("s", GrainId.Create("federation", "other"), new GrainState<Sample>(new() { Text = "three" }));
        Assert.Equal("one", (await ReadAsync(Storage)).State!.Text);
    }

    [Fact]
    public async Task An_old_etag_loses_and_changes_nothing()
    {
        var first = new GrainState<Sample>(new() { Text = "first" });
        await Storage.WriteStateAsync("s", Id, first);
        var second = await ReadAsync(Storage);
        second.State!.Text = "second";
        await Storage.WriteStateAsync("s", Id, second);
        Assert.NotEqual(first.ETag, second.ETag);
        first.State!.Text = "late";
        var conflict = await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("s", Id, first));
        Assert.Equal((second.ETag, first.ETag), (conflict.StoredEtag, conflict.CurrentEtag));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.ClearStateAsync("s", Id, first));
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteStateAsync("s", Id, new GrainState<Sample>(new())));
        Assert.Equal("second", (await ReadAsync(Storage)).State!.Text);
    }

    [Fact]
    public async Task Of_racing_writers_exactly_one_wins()
    {
        var start = new GrainState<Sample>(new());
        await Storage.WriteStateAsync("s", Id, start);
        var wins = await Task.WhenAll(Enumerable.Range(0, 16).Select(async writer =>
        {
            try
            {
                await Storage.WriteStateAsync("s", Id, new GrainState<Sample>(new() { Text = $"{writer}" }, start.ETag));
                return 1;
            }
            catch (InconsistentStateException)
            {
                return 0;
            }
        }));
        Assert.Equal(1, wins.Sum());
    }

    [Fact]
    public async Task Clearing_forgets()
    {
        var state = new GrainState<Sample>(new() { Text = "x" });
        await Storage.WriteStateAsync("s", Id, state);
        await Storage.ClearStateAsync("s", Id, state);
        Assert.Equal((null, false, ""), (state.ETag, state.RecordExists, state.State!.Text));
        Assert.False((await ReadAsync(Storage)).RecordExists);
        await Storage.ClearStateAsync("s", Id, state);
        await Storage.WriteStateAsync("s", Id, state);
        Assert.True((await ReadAsync(Storage)).RecordExists);
    }

    private static async Task<GrainState<Sample>> ReadAsync(IGrainStorage storage)
    {
        var state = new GrainState<Sample>(new());
        await storage.ReadStateAsync("s", Id, state);
        return state;
    }

    public sealed class Sample
    {
        public string Text { get; set; } = "";

        public Dictionary<string, double> Numbers { get; set; } = [];
    }
}
