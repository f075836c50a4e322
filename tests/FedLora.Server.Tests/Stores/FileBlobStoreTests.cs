using FedLora.Grains.Blobs;
using FedLora.Server.Stores;

namespace FedLora.Server.Tests.Stores;

public sealed class FileBlobStoreTests : BlobStoreSuite, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-blobs-");
    private readonly List<FileBlobStore> _opened = [];

    public FileBlobStoreTests() => Store = Reopened();

    protected override IBlobStore Store { get; }

    [Fact]
    public async Task A_full_disk_is_one_clear_error_and_nothing_half_written()
    {
        var store = Open(file => new FullDisk(file, room: 150));
        await RefusedAsync(RefusalCodes.DiskFull,
            () => store.PutAsync((stream, cancellationToken) => stream.WriteAsync(new byte[200], cancellationToken).AsTask(), Never));
        var hash = HashOf([1]);
        Assert.Equal(100, await store.AppendAsync(hash, 0, new byte[100], 1_000, true, Never));
        await RefusedAsync(RefusalCodes.DiskFull, () => store.AppendAsync(hash, 100, new byte[200], 1_000, true, Never));
        Assert.Equal(100, await store.PartialLengthAsync(hash, Never));
        Assert.Equal([Path.Combine(_folder.FullName, "partial", hash)],
            Directory.EnumerateFiles(_folder.FullName, "*", SearchOption.AllDirectories));
        Assert.Equal(300, await Open(null).AppendAsync(hash, 100, new byte[200], 1_000, true, Never));
    }

    /// <summary>
    /// A power cut takes what was not flushed: an upload's last bytes come without being waited for, and the rename would outlive them.
    /// </summary>
    [Fact]
    public async Task All_bytes_of_a_blob_are_on_the_disk_before_it_has_its_name()
    {
        var bytes = new byte[300];
        Array.Fill(bytes, (byte)7);
        var (hash, flushed) = (HashOf(bytes), new List<(long Length, bool IsBlob)>());
        using var store = new FileBlobStore(_folder.FullName,
            flush: file => flushed.Add((file.Length, Store.ExistsAsync(hash, Never).GetAwaiter().GetResult())));
        await store.AppendAsync(hash, 0, bytes.AsMemory(0, 100), 300, durable: false, Never);
        Assert.Empty(flushed);
        // What a resumed upload is told to be here: with no bytes at all, it is all that is here before.
        await store.AppendAsync(hash, 100, default, 300, durable: true, Never);
        Assert.Equal((100, false), Assert.Single(flushed));
        await store.AppendAsync(hash, 100, bytes.AsMemory(100), 300, durable: false, Never);
        await store.CompleteAsync(hash, null, Never);
        Assert.Equal([(100, false), (300, false)], flushed);
        Assert.True(await Store.ExistsAsync(hash, Never));
        flushed.Clear();
        await store.PutAsync((stream, cancellationToken) => stream.WriteAsync(new byte[50], cancellationToken).AsTask(), Never);
        Assert.Equal(50, Assert.Single(flushed).Length);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_one_clear_error()
    {
        var root = _folder.CreateSubdirectory("other").FullName;
        File.WriteAllText(Path.Combine(root, "blobs"), "");
        var error = Assert.Throws<FedLoraException>(() => new FileBlobStore(root));
        Assert.Equal("data-unwritable", error.Code);
        Assert.Contains(root, error.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _opened.ForEach(store => store.Dispose());
        _folder.Delete(recursive: true);
    }

    protected override IBlobStore Reopened() => Open(null);

    private FileBlobStore Open(Func<FileStream, Stream>? writer)
    {
        var store = new FileBlobStore(_folder.FullName, writer);
        _opened.Add(store);
        return store;
    }

    /// <summary>Takes some bytes of each write, then says what the system says when there is no space left.</summary>
    private sealed class FullDisk(FileStream file, int room) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position
        {
            get => file.Position;
            set => throw new NotSupportedException();
        }

        public override void Flush() => file.Flush();

        public override void Write(byte[] buffer, int offset, int count)
        {
            file.Write(buffer, offset, Math.Min(count, room));
            if (count > room)
                throw new IOException("No space left on device", 28);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
