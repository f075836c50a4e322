using System.Globalization;
using System.Security.Cryptography;

namespace FedLora.Server.Backups;

/// <summary>
/// A folder of backups: <c>objects/</c> with bytes under their hashes, and a manifest for each backup, which is what makes it one. Held by
/// one process at a time.
/// </summary>
internal sealed class BackupFolder : IDisposable
{
    private const string Extension = ".json";
    private readonly string _root;
    private readonly string _objects;
    private readonly FileStream _held;

    private BackupFolder(string root, FileStream held) => (_root, _objects, _held) = (root, Path.Combine(root, "objects"), held);

    /// <summary>Opens a folder to back up into; makes it if need be.</summary>
    /// <exception cref="FedLoraException"><c>backup-unwritable</c>, <c>backup-locked</c>, <c>backup-invalid</c>.</exception>
    internal static BackupFolder OpenOrCreate(string root)
    {
        try
        {
            var full = Path.GetFullPath(root);
            if (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any()
                && !Directory.Exists(Path.Combine(full, "objects")))
                throw new FedLoraException("backup-invalid", $"{full} holds something else than backups", "name a folder of its own");
            OwnerOnly.CreateFolder(full);
            OwnerOnly.CreateFolder(Path.Combine(full, "objects"));
            return Open(full);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("backup-unwritable", $"cannot use the backup folder {root}: {error.Message}",
                "choose another, free some space, or mend its rights", error);
        }
    }

    /// <summary>Opens a folder to restore from.</summary>
    /// <exception cref="FedLoraException"><c>backup-missing</c>, <c>backup-locked</c>.</exception>
    internal static BackupFolder OpenExisting(string root) => Directory.Exists(Path.Combine(root, "objects")) ? Open(Path.GetFullPath(root))
        : throw Missing(root);

    /// <summary>An empty folder for what is only on its way; goes with the next one.</summary>
    internal string WorkFolder()
    {
        var path = Path.Combine(_root, ".work");
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        OwnerOnly.CreateFolder(path);
        return path;
    }

    /// <summary>Names of the backups, oldest first.</summary>
    internal IReadOnlyList<string> Names() => [.. Directory.EnumerateFiles(_root, $"*{Extension}")
        .Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    /// <summary>A backup's manifest; without a name the newest one's.</summary>
    /// <exception cref="FedLoraException"><c>backup-missing</c>, <c>backup-invalid</c>, <c>backup-newer</c>.</exception>
    internal (string Name, BackupManifest Manifest) Read(string? name)
    {
        var names = Names();
        if (name is not null && !names.Contains(name, StringComparer.Ordinal))
            throw new FedLoraException("backup-missing", $"there is no backup {name} in {_root}",
                names.Count == 0 ? "it holds none" : $"those there are: {string.Join(", ", names)}");
        var chosen = name ?? (names is [.., var newest] ? newest : throw Missing(_root));
        return (chosen, BackupManifest.Read(ManifestOf(chosen)));
    }

    /// <summary>Whether bytes of this hash and length are here already.</summary>
    internal bool Has(string sha256, long size) => new FileInfo(ObjectOf(sha256)) is { Exists: true } file && file.Length == size;

    /// <summary>Whether what is here under this hash has it.</summary>
    internal async Task<bool> IsWholeAsync(BackupBlob one, CancellationToken cancellationToken)
    {
        await using var stream = OpenRead(one);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken)) == one.Sha256;
    }

    /// <summary>Adds bytes under their hash; they are on the disk when it returns. Says too whether they are new here.</summary>
    internal async Task<(BackupBlob Added, bool IsNew)> AddAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        var temporary = Path.Combine(_objects, $".{Guid.NewGuid():N}");
        try
        {
            BackupBlob added;
            await using (var file = OwnerOnly.CreateFile(temporary))
            {
                using var sha256 = SHA256.Create();
                await using (var hashing = new CryptoStream(file, sha256, CryptoStreamMode.Write, leaveOpen: true))
                {
                    await write(hashing);
                    await hashing.FlushFinalBlockAsync(cancellationToken);
                }

                file.Flush(flushToDisk: true);
                added = new(Convert.ToHexStringLower(sha256.Hash!), file.Length);
            }

            var (target, isNew) = (ObjectOf(added.Sha256), !Has(added.Sha256, added.Size));
            OwnerOnly.CreateFolder(Path.GetDirectoryName(target)!);
            File.Move(temporary, target, overwrite: true);
            AtomicFile.FlushFolder(Path.GetDirectoryName(target)!);
            return (added, isNew);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Opens bytes that must be there.</summary>
    /// <exception cref="FedLoraException"><c>backup-damaged</c>.</exception>
    internal Stream OpenRead(BackupBlob one) => Has(one.Sha256, one.Size) ? OwnerOnly.OpenRead(ObjectOf(one.Sha256))
        : throw Damaged(one.Sha256, "is not there, or not whole");

    /// <summary>Copies bytes to a stream; fails at their end where they are not those of the hash.</summary>
    /// <exception cref="FedLoraException"><c>backup-damaged</c>.</exception>
    internal async Task CopyAsync(BackupBlob one, Stream to, CancellationToken cancellationToken)
    {
        await using var from = OpenRead(one);
        if (await HashedCopy.RunAsync(from, to, cancellationToken) != one.Sha256)
            throw Damaged(one.Sha256, "has other bytes than it had");
    }

    /// <summary>Writes the manifest: from now on it is a backup. Returns its name, which says when it was taken.</summary>
    internal string Commit(BackupManifest manifest)
    {
        AtomicFile.FlushFolder(_objects);
        var stem = manifest.Taken.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var name = Enumerable.Range(1, int.MaxValue).Select(number => number == 1 ? stem : $"{stem}.{number}")
            .First(candidate => !File.Exists(ManifestOf(candidate)));
        AtomicFile.Write(ManifestOf(name), manifest.ToBytes());
        return name;
    }

    /// <summary>Keeps the newest backups only, and of the bytes only what they consist of. Returns how many backups went.</summary>
    internal int Keep(int newest)
    {
        var names = Names();
        var old = names.SkipLast(newest).ToList();
        foreach (var name in old)
            File.Delete(ManifestOf(name));
        AtomicFile.FlushFolder(_root);
        var needed = names.TakeLast(newest).SelectMany(name => BackupManifest.Read(ManifestOf(name)).Objects())
            .Select(one => one.Sha256).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(_objects, "*", SearchOption.AllDirectories)
            .Where(path => !needed.Contains(Path.GetFileName(path))).ToList())
            File.Delete(path);
        return old.Count;
    }

    public void Dispose() => _held.Dispose();

    private static BackupFolder Open(string root) => new(root, HeldFile.TryOpen(Path.Combine(root, "lock"))
        ?? throw new FedLoraException("backup-locked", $"another backup or restore is using {root}", "wait for its end"));

    private string ManifestOf(string name) => Path.Combine(_root, name + Extension);

    private string ObjectOf(string sha256) => Path.Combine(_objects, sha256[..2], sha256);

    private static FedLoraException Missing(string root) =>
        new("backup-missing", $"there is no backup in {root}", "name a folder into which a coordinator was backed up");

    private FedLoraException Damaged(string sha256, string what) => new("backup-damaged",
        $"the backup in {_root} is damaged: {sha256} {what}; nothing was restored",
        "take another of the backups (--at), or another copy of the folder");
}
