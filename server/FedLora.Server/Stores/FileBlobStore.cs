using System.Buffers;
using System.Security.Cryptography;

namespace FedLora.Server.Stores;

/// <summary>Blobs as files: written aside, flushed, renamed, folder flushed.</summary>
public sealed class FileBlobStore : IBlobStore, IDisposable
{
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;
    private readonly BlobPaths _paths;
    private readonly Func<FileStream, Stream> _writer;
    private readonly TimeProvider _time;
    private readonly Action<FileStream> _flush;
    // One writer at a time per partial upload; hashes spread evenly over the locks.
    private readonly SemaphoreSlim[] _locks = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    /// <param name="root">The folder; made if it is not there.</param>
    /// <param name="writer">What writes to a file; tests put failing disks here.</param>
    /// <param name="time">Gives a blob its age; the system's if not given.</param>
    /// <param name="flush">Puts a file's bytes on the disk; the system's if not given. Tests see here what would survive a power
    /// cut.</param>
    /// <exception cref="FedLoraException"><c>data-unwritable</c>: its folders cannot be made.</exception>
    public FileBlobStore(string root, Func<FileStream, Stream>? writer = null, TimeProvider? time = null,
        Action<FileStream>? flush = null)
    {
        try
        {
            _paths = new(root);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("data-unwritable", $"cannot use the data folder {root}: {error.Message}",
                "choose another with --data, free some space, or mend its rights", error);
        }

        (_writer, _time) = (writer ?? (file => file), time ?? TimeProvider.System);
        _flush = flush ?? (file => file.Flush(flushToDisk: true));
    }

    public Task<bool> ExistsAsync(string sha256, CancellationToken cancellationToken) => Task.FromResult(File.Exists(_paths.Blob(sha256)));

    public Task<Stream> OpenReadAsync(string sha256, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult<Stream>(Open(_paths.Blob(sha256)));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RefusedException(RefusalCodes.BlobMissing, $"There is no blob {sha256}.",
                "It was never stored, or is no longer kept.");
        }
    }

    public async Task<string> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var temporary = _paths.Temporary();
        try
        {
            string hash;
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                using var sha256 = SHA256.Create();
                await using (var hashing = new CryptoStream(_writer(file), sha256, CryptoStreamMode.Write, leaveOpen: true))
                {
                    await write(hashing, cancellationToken);
                    await hashing.FlushFinalBlockAsync(cancellationToken);
                }

                _flush(file);
                hash = Convert.ToHexStringLower(sha256.Hash!);
            }

            await LockedAsync(hash, () =>
            {
                if (!Renew(hash))
                    _paths.Publish(temporary, hash);
                return Task.FromResult(true);
            }, cancellationToken);
            return hash;
        }
        catch (IOException error) when (IsFull(error))
        {
            throw Full();
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public Task<long> PartialLengthAsync(string sha256, CancellationToken cancellationToken)
    {
        var (blob, partial) = (new FileInfo(_paths.Blob(sha256)), new FileInfo(_paths.Partial(sha256)));
        return Task.FromResult(blob.Exists ? blob.Length : partial.Exists ? partial.Length : 0);
    }

    public Task<long> AppendAsync(string sha256, long offset, ReadOnlyMemory<byte> bytes, long maxBytes, bool durable,
        CancellationToken cancellationToken) => LockedAsync(sha256, async () =>
        {
            var length = await PartialLengthAsync(sha256, cancellationToken);
            if (File.Exists(_paths.Blob(sha256)))
                return length;
            bytes = BlobAppend.New(offset, bytes, length, maxBytes);
            try
            {
                await AppendToFileAsync(_paths.Partial(sha256), length, bytes, durable, cancellationToken);
                if (durable)
                    AtomicFile.FlushFolder(_paths.Partials);
            }
            catch (IOException error) when (IsFull(error))
            {
                throw Full();
            }

            return length + bytes.Length;
        }, cancellationToken);

    public Task CompleteAsync(string sha256, Action<Stream>? check, CancellationToken cancellationToken) => LockedAsync(sha256, () =>
    {
        var partial = _paths.Partial(sha256);
        if (Renew(sha256))
        {
            using var stored = Open(_paths.Blob(sha256));
            check?.Invoke(stored);
            return Task.FromResult(true);
        }

        if (!File.Exists(partial))
            throw new RefusedException(RefusalCodes.BlobMissing, $"Nothing was uploaded for blob {sha256}.", "Send it from the start.");
        try
        {
            // Its last bytes may have come without being waited for; only what may be written to can be flushed.
            using var file = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, bufferSize: 0);
            _flush(file);
            RequireHash(file, sha256, cancellationToken);
            file.Position = 0;
            check?.Invoke(file);
        }
        catch (RefusedException)
        {
            File.Delete(partial);
            throw;
        }

        try
        {
            _paths.Publish(partial, sha256);
        }
        catch (IOException error) when (IsFull(error))
        {
            throw Full();
        }

        return Task.FromResult(true);
    }, cancellationToken);

    public Task DeleteAsync(string sha256, CancellationToken cancellationToken) => LockedAsync(sha256, () =>
    {
        if (File.Exists(_paths.Blob(sha256)))
            File.Delete(_paths.Blob(sha256));
        File.Delete(_paths.Partial(sha256));
        return Task.FromResult(true);
    }, cancellationToken);

    public Task DeletePartialAsync(string sha256, CancellationToken cancellationToken) => LockedAsync(sha256, () =>
    {
        File.Delete(_paths.Partial(sha256));
        return Task.FromResult(true);
    }, cancellationToken);

    public Task<int> PrunePartialsAsync(DateTimeOffset before, int most, CancellationToken cancellationToken) =>
        RemoveAsync(Directory.EnumerateFiles(_paths.Partials), _paths.Partial, before, most, cancellationToken);

    public Task<int> PruneAsync(DateTimeOffset before, Func<string, bool> unused, int most, CancellationToken cancellationToken) =>
        RemoveAsync(_paths.Blobs().Where(path => unused(Path.GetFileName(path))), _paths.Blob, before, most, cancellationToken);

    public void Dispose()
    {
        foreach (var one in _locks)
            one.Dispose();
    }

    private async Task<int> RemoveAsync(IEnumerable<string> candidates, Func<string, string> pathOf, DateTimeOffset before, int most,
        CancellationToken cancellationToken)
    {
        var removed = 0;
        foreach (var name in candidates.Where(path => File.GetLastWriteTimeUtc(path) < before.UtcDateTime).Take(most)
            .Select(path => Path.GetFileName(path)!).ToList())
        {
            removed += await LockedAsync(name, () =>
            {
                // Looked at again under the lock: somebody may have renewed it.
                var file = new FileInfo(pathOf(name));
                if (!file.Exists || file.LastWriteTimeUtc >= before.UtcDateTime)
                    return Task.FromResult(0);
                file.Delete();
                return Task.FromResult(1);
            }, cancellationToken);
        }

        return removed;
    }

    // A blob that is stored once more is as young as a new one: whoever stores it is about to refer to it.
    private bool Renew(string sha256)
    {
        if (!File.Exists(_paths.Blob(sha256)))
            return false;
        File.SetLastWriteTimeUtc(_paths.Blob(sha256), _time.GetUtcNow().UtcDateTime);
        return true;
    }

    // Whatever fails, the file is as long as before: nothing half-written is ever acknowledged.
    private async Task AppendToFileAsync(string path, long offset, ReadOnlyMemory<byte> bytes, bool durable,
        CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var written = false;
        try
        {
            file.Position = offset;
            var stream = _writer(file);
            await stream.WriteAsync(bytes, cancellationToken);
            // Whoever ends now has the bytes kept: they are written.
            await stream.FlushAsync(CancellationToken.None);
            if (durable)
                _flush(file);
            written = true;
        }
        finally
        {
            if (!written)
                file.SetLength(offset);
        }
    }

    // Unbuffered: its readers take whole headers, tensors and chunks.
    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);

    private static void RequireHash(FileStream file, string sha256, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            using var hashing = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            while (file.Read(buffer) is > 0 and var read)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hashing.AppendData(buffer.AsSpan(0, read));
            }

            var hash = Convert.ToHexStringLower(hashing.GetCurrentHash());
            if (hash != sha256)
                throw new RefusedException(RefusalCodes.BlobHash, $"The upload's SHA-256 is {hash}, not {sha256}.",
                    "Send it again from the start.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<T> LockedAsync<T>(string sha256, Func<Task<T>> action, CancellationToken cancellationToken)
    {
        _ = _paths.Partial(sha256);
        var one = _locks[Convert.ToInt32(sha256[..2], 16) % _locks.Length];
        await one.WaitAsync(cancellationToken);
        try
        {
            return await action();
        }
        finally
        {
            one.Release();
        }
    }

    private static bool IsFull(IOException error) => (error.HResult & 0xFFFF) is NoSpace or QuotaExceeded;

    private static RefusedException Full() =>
        new(RefusalCodes.DiskFull, "The coordinator's disk is full; nothing was written.", "Free some space in the data folder.");
}
