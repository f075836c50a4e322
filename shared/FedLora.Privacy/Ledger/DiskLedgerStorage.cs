namespace FedLora.Privacy.Ledger;

/// <summary>A ledger's folder on disk. One process at a time writes to it; others may read.</summary>
public sealed class DiskLedgerStorage : ILedgerStorage, IDisposable
{
    private readonly string _folder;
    private readonly FileStream? _claim;

    private DiskLedgerStorage(string folder, FileStream? claim) => (this._folder, this._claim) = (folder, claim);

    /// <summary>Opens the folder for writing, making it if need be, readable by its owner only.</summary>
    /// <exception cref="FedLoraException"><c>ledger-in-use</c>: another process has it.</exception>
    public static DiskLedgerStorage Open(string folder)
    {
        try
        {
            var parents = new List<string> { Path.GetDirectoryName(Path.GetFullPath(folder))! };
            while (!Directory.Exists(parents[^1]))
                parents.Add(Path.GetDirectoryName(parents[^1])!);
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            // The folder itself, and those made for it, must outlive a power cut as its files do.
            parents.ForEach(AtomicFile.FlushFolder);
            return new DiskLedgerStorage(folder, Claim(folder));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("ledger-unwritable", $"cannot use the privacy ledger {folder}: {e.Message}",
                "Free some space, or mend its rights.", e);
        }
    }

    private static FileStream Claim(string folder)
    {
        var path = Path.Combine(folder, "claim");
        var held = HeldFile.TryOpen(path)
            ?? throw new FedLoraException("ledger-in-use", $"another process is using the privacy ledger {folder}",
                "Stop the other node first: two writers could both spend what is left only once.");
        // A network mount or an environment variable can make locks mean nothing: then this second claim is granted too.
        if (HeldFile.TryOpen(path) is not { } second)
            return held;
        second.Dispose();
        held.Dispose();
        throw new FedLoraException("ledger-unlockable", $"file locks do not work in {folder}, so two nodes could spend the same budget",
            "Keep the node's folder (--state) on a local disk, and unset DOTNET_SYSTEM_IO_DISABLEFILELOCKING.");
    }

    /// <summary>Opens the folder for reading only.</summary>
    /// <exception cref="FedLoraException"><c>ledger-missing</c>.</exception>
    public static DiskLedgerStorage OpenRead(string folder) => Directory.Exists(folder)
        ? new DiskLedgerStorage(folder, null)
        : throw new FedLoraException("ledger-missing", $"there is no privacy ledger at {folder}",
            "Give the node's ledger folder; it is made when the node first trains under differential privacy.");

    /// <inheritdoc/>
    public byte[]? Read(string name) => File.Exists(PathOf(name)) ? File.ReadAllBytes(PathOf(name)) : null;

    /// <inheritdoc/>
    public void Append(string name, ReadOnlySpan<byte> content)
    {
        var isNew = !File.Exists(PathOf(name));
        using (var stream = new FileStream(PathOf(name), FileMode.Append, FileAccess.Write, FileShare.Read, 1))
        {
            var length = stream.Length;
            try
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            catch (IOException failure)
            {
                // A full disk takes some bytes of a line; the next line must not follow them.
                CutBack(stream, length, failure);
                throw;
            }
        }
        if (isNew)
            AtomicFile.FlushFolder(Path.GetDirectoryName(PathOf(name))!);
    }

    private static void CutBack(FileStream stream, long length, IOException failure)
    {
        try
        {
            stream.SetLength(length);
            stream.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            throw new FedLoraException("ledger-write-failed",
                $"the privacy ledger {stream.Name} could not be written, nor put back: {failure.Message}",
                "See to the disk, then start the node again: it opens the ledger anew.", failure);
        }
    }

    /// <inheritdoc/>
    public void Replace(string name, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        AtomicFile.Write(PathOf(name), content.ToArray());
    }

    /// <inheritdoc/>
    public void Truncate(string name, long length)
    {
        using var stream = new FileStream(PathOf(name), FileMode.Open, FileAccess.Write, FileShare.Read, 1);
        stream.SetLength(length);
        stream.Flush(flushToDisk: true);
    }

    /// <inheritdoc/>
    public IEnumerable<string> List(string folder) => Directory.Exists(PathOf(folder))
        ? Directory.EnumerateFiles(PathOf(folder)).Where(path => !path.EndsWith(".tmp", StringComparison.Ordinal))
            .Select(path => $"{folder}/{Path.GetFileName(path)}").Order(StringComparer.Ordinal)
        : [];

    /// <inheritdoc/>
    public void Dispose() => _claim?.Dispose();

    private string PathOf(string name) => Path.Combine(_folder, name);
}
