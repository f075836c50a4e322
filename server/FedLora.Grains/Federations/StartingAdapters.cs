namespace FedLora.Grains.Federations;

/// <summary>
/// The adapters that updates started from. A round's is read once where it is small, and not once for each of its updates.
/// </summary>
public sealed class StartingAdapters(IBlobStore blobs) : IDisposable
{
    private const int Largest = 8 << 20;
    private const int Most = 4;
    private readonly SemaphoreSlim _one = new(1, 1);
    private IReadOnlyList<(string Sha256, byte[] Bytes)> _kept = [];

    /// <summary>Opens one, from its beginning.</summary>
    /// <exception cref="RefusedException"><c>blob-missing</c>.</exception>
    public async Task<Stream> OpenAsync(string sha256, CancellationToken cancellationToken)
    {
        if (Find(sha256) is { } known)
            return known;
        await _one.WaitAsync(cancellationToken);
        try
        {
            return Find(sha256) ?? await ReadAsync(sha256, cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    private MemoryStream? Find(string sha256) =>
        _kept.FirstOrDefault(one => one.Sha256 == sha256).Bytes is { } bytes ? new MemoryStream(bytes, writable: false) : null;

    private async Task<Stream> ReadAsync(string sha256, CancellationToken cancellationToken)
    {
        var stream = await blobs.OpenReadAsync(sha256, cancellationToken);
        if (stream.Length > Largest)
            return stream;
        await using (stream)
        {
            var bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, cancellationToken);
            _kept = [(sha256, bytes), .. _kept.Take(Most - 1)];
            return new MemoryStream(bytes, writable: false);
        }
    }
}
