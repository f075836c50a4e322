using System.Security.Cryptography;
using FedLora.Grains;
using FedLora.Grains.Blobs;

namespace FedLora.Server.Tests.Stores;

/// <summary>What every blob store must do. A store's tests derive from it.</summary>
public abstract class BlobStoreSuite
{
    protected static readonly CancellationToken Never = CancellationToken.None;

    protected abstract IBlobStore Store { get; }

    /// <summary>The same store after a crash: opened anew without having been closed.</summary>
    protected abstract IBlobStore Reopened();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3_000_000)]
    public async Task What_was_put_comes_back_by_its_hash(int size)
    {
        var bytes = RandomNumberGenerator.GetBytes(size);
        var hash = await PutAsync(bytes);
        Assert.Equal(HashOf(bytes), hash);
        Assert.Equal(hash, await PutAsync(bytes));
        var store = Reopened();
        Assert.True(await store.ExistsAsync(hash, Never));
        Assert.Equal(bytes, await ReadAsync(store, hash));
    }

    [Fact]
    public async Task A_blob_is_read_from_anywhere_by_several_at_once()
    {
        var bytes = RandomNumberGenerator.GetBytes(1_000_000);
        var hash = await PutAsync(bytes);
        await using var one = await Store.OpenReadAsync(hash, Never);
        await using var other = await Store.OpenReadAsync(hash, Never);
        Assert.Equal(bytes.Length, one.Length);
        foreach (var start in (int[])[900_000, 3, 500_001])
        {
            var (read, awaited) = (new byte[1_000], new byte[1_000]);
            one.Position = start;
            one.ReadExactly(read);
            other.Seek(start - bytes.Length, SeekOrigin.End);
            await other.ReadExactlyAsync(awaited, Never);
            Assert.Equal(bytes[start..(start + 1_000)], read);
            Assert.Equal(read, awaited);
        }

        one.Position = bytes.Length;
        Assert.Equal(0, one.Read(new byte[1]));
    }

    [Fact]
    public async Task A_put_that_fails_leaves_nothing()
    {
        var bytes = RandomNumberGenerator.GetBytes(1000);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.PutAsync(
            async (stream, cancellationToken) =>
            {
                await stream.WriteAsync(bytes, cancellationToken);
                throw new InvalidOperationException("the source broke");
            },
            Never));
        Assert.False(await Store.ExistsAsync(HashOf(bytes), Never));
    }

    [Fact]
    public async Task An_upload_goes_on_where_it_was_after_a_crash()
    {
        var bytes = RandomNumberGenerator.GetBytes(10_000);
        var hash = HashOf(bytes);
        Assert.Equal(0, await Store.PartialLengthAsync(hash, Never));
        Assert.Equal(4_000, await Store.AppendAsync(hash, 0, bytes.AsMemory(0, 4_000), bytes.Length, true, Never));
        var store = Reopened();
        Assert.Equal(4_000, await store.PartialLengthAsync(hash, Never));
        Assert.False(await store.ExistsAsync(hash, Never));
        Assert.Equal(10_000, await store.AppendAsync(hash, 4_000, bytes.AsMemory(4_000), bytes.Length, true, Never));
        await store.CompleteAsync(hash, null, Never);
        Assert.Equal(bytes, await ReadAsync(Reopened(), hash));
        Assert.Equal(10_000, await store.PartialLengthAsync(hash, Never));
        await store.CompleteAsync(hash, null, Never);
    }

    /// <summary>No bytes make what is here durable, as where an upload is resumed; the next ones follow where they did.</summary>
    [Fact]
    public async Task An_upload_goes_on_after_an_append_of_nothing()
    {
        var (bytes, hash) = (new byte[300], HashOf(new byte[300]));
        await Store.AppendAsync(hash, 0, bytes.AsMemory(0, 100), 300, durable: false, Never);
        Assert.Equal(100, await Store.AppendAsync(hash, 100, default, 300, durable: true, Never));
        Assert.Equal(300, await Store.AppendAsync(hash, 100, bytes.AsMemory(100), 300, durable: true, Never));
        await Store.CompleteAsync(hash, null, Never);
        Assert.True(await Store.ExistsAsync(hash, Never));
    }

    [Fact]
    public async Task Bytes_beyond_a_gap_or_beyond_the_limit_are_refused_and_change_nothing()
    {
        var hash = HashOf([1]);
        await Store.AppendAsync(hash, 0, new byte[10], 100, true, Never);
        await RefusedAsync(RefusalCodes.BlobOffset, () => Store.AppendAsync(hash, 11, new byte[1], 100, true, Never));
        await RefusedAsync(RefusalCodes.BlobTooLarge, () => Store.AppendAsync(hash, 10, new byte[91], 100, true, Never));
        Assert.Equal(10, await Store.PartialLengthAsync(hash, Never));
    }

    [Fact]
    public async Task Two_senders_of_the_same_bytes_fill_one_upload()
    {
        var bytes = Enumerable.Range(0, 100).Select(i => (byte)i).ToArray();
        var hash = HashOf(bytes);
        Assert.Equal(60, await Store.AppendAsync(hash, 0, bytes.AsMemory(0, 60), 100, false, Never));
        Assert.Equal(60, await Store.AppendAsync(hash, 0, bytes.AsMemory(0, 30), 100, true, Never));
        Assert.Equal(90, await Store.AppendAsync(hash, 30, bytes.AsMemory(30, 60), 100, false, Never));
        Assert.Equal(100, await Store.AppendAsync(hash, 60, bytes.AsMemory(60), 100, false, Never));
        await Store.CompleteAsync(hash, null, Never);
        Assert.Equal(100, await Store.AppendAsync(hash, 90, bytes.AsMemory(90), 100, false, Never));
        await Store.CompleteAsync(hash, null, Never);
        await using var stored = await Store.OpenReadAsync(hash, Never);
        var read = new byte[100];
        await stored.ReadExactlyAsync(read, Never);
        Assert.Equal(bytes, read);
    }

    [Fact]
    public async Task Another_hash_drops_the_bytes()
    {
        var hash = HashOf([1]);
        await Store.AppendAsync(hash, 0, new byte[10], 100, true, Never);
        await RefusedAsync(RefusalCodes.BlobHash, () => Store.CompleteAsync(hash, null, Never));
        Assert.Equal(0, await Store.PartialLengthAsync(hash, Never));
        await RefusedAsync(RefusalCodes.BlobMissing, () => Store.CompleteAsync(hash, null, Never));
    }

    [Fact]
    public async Task A_check_that_refuses_drops_the_bytes()
    {
        var bytes = RandomNumberGenerator.GetBytes(100);
        await Store.AppendAsync(HashOf(bytes), 0, bytes, 100, true, Never);
        await Assert.ThrowsAsync<TimeoutException>(() => Store.CompleteAsync(HashOf(bytes), stream => throw new TimeoutException(), Never));
        Assert.Equal(100, await Store.PartialLengthAsync(HashOf(bytes), Never));
        await RefusedAsync("test", () => Store.CompleteAsync(HashOf(bytes), stream =>
        {
            var seen = new byte[stream.Length];
            stream.ReadExactly(seen);
            Assert.Equal(bytes, seen);
            throw new RefusedException("test", "no", "none");
        }, Never));
        Assert.False(await Store.ExistsAsync(HashOf(bytes), Never));
        Assert.Equal(0, await Store.PartialLengthAsync(HashOf(bytes), Never));
    }

    /// <summary>Small and large, of which a part was uploaded before or not.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(3, 0)]
    [InlineData(3, 1)]
    [InlineData((1 << 20) + 1, 0)]
    [InlineData((1 << 20) + 1, 5)]
    public async Task A_put_is_there_whole_whatever_was_there_of_it(int size, int uploaded)
    {
        var bytes = RandomNumberGenerator.GetBytes(size);
        if (uploaded > 0)
            await Store.AppendAsync(HashOf(bytes), 0, bytes.AsMemory(0, uploaded), size, durable: false, Never);
        for (var times = 0; times < 2; times++)
        {
            Assert.Equal(HashOf(bytes), await PutAsync(bytes));
            Assert.True(await Store.ExistsAsync(HashOf(bytes), Never));
            Assert.Equal(bytes, await ReadAsync(Reopened(), HashOf(bytes)));
        }
    }

    /// <summary>Another node may send the same bytes, for which they are wrong: the first one's stay.</summary>
    [Fact]
    public async Task A_check_of_what_is_a_blob_already_leaves_it_there()
    {
        var hash = await PutAsync([1, 2, 3]);
        await RefusedAsync("test", () => Store.CompleteAsync(hash, stream =>
        {
            Assert.Equal(3, stream.Length);
            throw new RefusedException("test", "no", "none");
        }, Never));
        Assert.Equal([1, 2, 3], await ReadAsync(Reopened(), hash));
    }

    /// <summary>Whether it is looked at in memory or as it lies there.</summary>
    [Theory]
    [InlineData(8 << 20)]
    [InlineData((8 << 20) + 1)]
    public async Task A_check_reads_all_of_an_upload_and_again(int size)
    {
        var bytes = RandomNumberGenerator.GetBytes(size);
        for (var offset = 0; offset < size; offset += 3 << 20)
            await Store.AppendAsync(HashOf(bytes), offset, bytes.AsMemory(offset, Math.Min(3 << 20, size - offset)), size, false, Never);
        var seen = new byte[size];
        await Store.CompleteAsync(HashOf(bytes), stream =>
        {
            stream.ReadExactly(seen);
            stream.Position = size / 2;
            Assert.Equal(bytes[size / 2], stream.ReadByte());
        }, Never);
        Assert.Equal(bytes, seen);
        Assert.Equal(bytes, await ReadAsync(Reopened(), HashOf(bytes)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    [InlineData("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85/")]
    public async Task A_name_that_is_no_hash_never_becomes_a_path(string name)
    {
        await RefusedAsync(RefusalCodes.BlobMissing, () => Store.ExistsAsync(name, Never));
        await RefusedAsync(RefusalCodes.BlobMissing, () => Store.OpenReadAsync(name, Never));
        await RefusedAsync(RefusalCodes.BlobMissing, () => Store.AppendAsync(name, 0, new byte[1], 10, true, Never));
        await RefusedAsync(RefusalCodes.BlobMissing, () => Store.CompleteAsync(name, null, Never));
        await RefusedAsync(RefusalCodes.BlobMissing, () => Store.DeleteAsync(name, Never));
    }

    [Fact]
    public async Task Deleted_is_gone_and_missing_is_said()
    {
        var hash = await PutAsync([1, 2, 3]);
        await Store.DeleteAsync(hash, Never);
        await Store.DeleteAsync(hash, Never);
        Assert.False(await Store.ExistsAsync(hash, Never));
        await RefusedAsync(RefusalCodes.BlobMissing, () => Store.OpenReadAsync(hash, Never));
    }

    [Fact]
    public async Task Forgotten_partial_uploads_are_pruned()
    {
        await Store.AppendAsync(HashOf([1]), 0, new byte[10], 100, true, Never);
        Assert.Equal(0, await Store.PrunePartialsAsync(DateTimeOffset.UtcNow.AddHours(-1), 10, Never));
        Assert.Equal(1, await Store.PrunePartialsAsync(DateTimeOffset.UtcNow.AddHours(1), 10, Never));
        Assert.Equal(0, await Store.PartialLengthAsync(HashOf([1]), Never));
    }

    [Fact]
    public async Task Old_unused_blobs_are_pruned_no_more_than_asked_for()
    {
        var used = await PutAsync([1]);
        foreach (var unused in (byte[][])[[2], [3], [4]])
            await PutAsync(unused);
        Assert.Equal(0, await Store.PruneAsync(DateTimeOffset.UtcNow.AddHours(-1), hash => hash != used, 10, Never));
        Assert.Equal(2, await Store.PruneAsync(DateTimeOffset.UtcNow.AddHours(1), hash => hash != used, 2, Never));
        Assert.Equal(1, await Store.PruneAsync(DateTimeOffset.UtcNow.AddHours(1), hash => hash != used, 10, Never));
        Assert.True(await Store.ExistsAsync(used, Never));
        Assert.False(await Store.ExistsAsync(HashOf([2]), Never));
    }

    [Fact]
    public async Task Many_uploads_at_once_do_not_disturb_each_other()
    {
        var uploads = Enumerable.Range(0, 20).Select(_ => RandomNumberGenerator.GetBytes(5_000)).ToList();
        await Task.WhenAll(uploads.Select(async bytes =>
        {
            for (var offset = 0; offset < bytes.Length; offset += 500)
                await Store.AppendAsync(HashOf(bytes), offset, bytes.AsMemory(offset, 500), bytes.Length, true, Never);
            await Store.CompleteAsync(HashOf(bytes), null, Never);
        }));
        foreach (var bytes in uploads)
            Assert.Equal(bytes, await ReadAsync(Store, HashOf(bytes)));
    }

    protected static string HashOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    protected static async Task RefusedAsync(string code, Func<Task> action) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<RefusedException>(action)).Code);

    protected Task<string> PutAsync(byte[] bytes) =>
        Store.PutAsync((stream, cancellationToken) => stream.WriteAsync(bytes, cancellationToken).AsTask(), Never);

    protected static async Task<byte[]> ReadAsync(IBlobStore store, string hash)
    {
        await using var stream = await store.OpenReadAsync(hash, Never);
        using var memory = new MemoryStream();
        await stream.CopyToAsync(memory);
        return memory.ToArray();
    }
}
