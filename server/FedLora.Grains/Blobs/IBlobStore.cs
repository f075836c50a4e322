namespace FedLora.Grains.Blobs;

/// <summary>
/// Content-addressed bytes: adapters, updates, round records. A blob's name is the SHA-256 (64 lower-case hex digits) of its bytes.
/// What a put has returned for survives a power cut. Failures are <see cref="RefusedException"/>; a name that is not 64 lower-case hex
/// digits is <c>blob-missing</c>.
/// </summary>
public interface IBlobStore
{
    /// <summary>Whether the blob is there, whole.</summary>
    Task<bool> ExistsAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a stream over the blob that can seek, knows its length and can be read either way, by await or not; <c>blob-missing</c> where
    /// it is not there. Many may be open at once, and hold next to nothing while they are not read.
    /// </summary>
    Task<Stream> OpenReadAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>Stores all that <paramref name="write"/> writes and returns its SHA-256; the same bytes twice are stored once.</summary>
    Task<string> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken);

    /// <summary>
    /// Bytes of a partial upload that are here: where its sender goes on. 0 where there is none; the whole length where the blob is there.
    /// </summary>
    Task<long> PartialLengthAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>
    /// Appends to the partial upload of a blob what of the bytes is not there yet, and, where <paramref name="durable"/> is set, makes all
    /// of it survive a power cut. Returns its length then. Two senders of the same bytes (two nodes whose updates are equal; one that has
    /// called again while its first call still sends) fill the same one. <c>blob-offset</c> where <paramref name="offset"/> is beyond its
    /// present length; bytes beyond <paramref name="maxBytes"/> are refused with <c>blob-too-large</c>.
    /// </summary>
    Task<long> AppendAsync(string sha256, long offset, ReadOnlyMemory<byte> bytes, long maxBytes, bool durable,
        CancellationToken cancellationToken);

    /// <summary>
    /// Turns the partial upload into the blob. Refuses with <c>blob-hash</c> (and drops the bytes) where the hash is another.
    /// <paramref name="check"/> gets the bytes, as
    /// <see cref="OpenReadAsync"/> gives them, before they become a blob; where it refuses, they are dropped. Where they are one already,
    /// it gets the blob, which stays whatever it says.
    /// </summary>
    Task CompleteAsync(string sha256, Action<Stream>? check, CancellationToken cancellationToken);

    /// <summary>Removes the blob and any partial upload of it, if there.</summary>
    Task DeleteAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>Removes a partial upload, if there.</summary>
    Task DeletePartialAsync(string sha256, CancellationToken cancellationToken);

    /// <summary>
    /// Removes at most <paramref name="most"/> partial uploads that nobody has added to since <paramref name="before"/>; returns how many.
    /// </summary>
    Task<int> PrunePartialsAsync(DateTimeOffset before, int most, CancellationToken cancellationToken);

    /// <summary>
    /// Removes at most <paramref name="most"/> blobs that nobody has put or completed since <paramref name="before"/> and that are
    /// <paramref name="unused"/>; returns how many.
    /// </summary>
    Task<int> PruneAsync(DateTimeOffset before, Func<string, bool> unused, int most, CancellationToken cancellationToken);
}
