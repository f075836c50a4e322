namespace FedLora.Server.Stores;

/// <summary>Where blobs lie. A name that came from outside becomes part of a path only after it was checked to be a hash.</summary>
internal sealed class BlobPaths
{
    private readonly string _blobs;
    private readonly string _temporary;

    public BlobPaths(string root)
    {
        (_blobs, Partials, _temporary) = (Path.Combine(root, "blobs"), Path.Combine(root, "partial"), Path.Combine(root, "temporary"));
        Directory.CreateDirectory(_blobs);
        Directory.CreateDirectory(Partials);
        // What a crash has left unfinished belongs to nobody.
        if (Directory.Exists(_temporary))
            Directory.Delete(_temporary, recursive: true);
        Directory.CreateDirectory(_temporary);
    }

    /// <summary>The folder of partial uploads.</summary>
    public string Partials { get; }

    /// <summary>The paths of all blobs.</summary>
    public IEnumerable<string> Blobs() => Directory.EnumerateFiles(_blobs, "*", SearchOption.AllDirectories);

    public string Blob(string sha256) => Path.Combine(_blobs, Checked(sha256)[..2], sha256);

    public string Partial(string sha256) => Path.Combine(Partials, Checked(sha256));

    public string Temporary() => Path.Combine(_temporary, Guid.NewGuid().ToString("N"));

    /// <summary>Renames a finished, flushed file to its blob; afterwards it survives a power cut.</summary>
    public void Publish(string file, string sha256)
    {
        var target = Blob(sha256);
        var folder = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            AtomicFile.FlushFolder(_blobs);
        }

        File.Move(file, target, overwrite: true);
        AtomicFile.FlushFolder(folder);
    }

    private static string Checked(string sha256) => sha256.Length == 64 && sha256.All(char.IsAsciiHexDigitLower)
        ? sha256
        : throw new RefusedException(RefusalCodes.BlobMissing, "A blob is named by 64 lower-case hex digits.",
            "Use the SHA-256 of its bytes.");
}
