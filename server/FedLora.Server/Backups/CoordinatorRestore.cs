using System.Globalization;
using FedLora.Core.Audit;
using FedLora.Server.Stores;
using FedLora.Server.Stores.Postgres;

namespace FedLora.Server.Backups;

/// <summary>What a restore has done, or looked at.</summary>
/// <param name="Name">Of the backup.</param>
/// <param name="Taken">The moment that it is of.</param>
/// <param name="Files">How many files besides the blobs.</param>
/// <param name="Blobs">How many blobs.</param>
/// <param name="Bytes">All of it.</param>
public sealed record BackupRestored(string Name, DateTimeOffset Taken, int Files, int Blobs, long Bytes);

/// <summary>
/// Makes a coordinator of a backup: in a new folder, its state there or in an empty PostgreSQL database. Every byte is hashed on its way;
/// it is all there, or nothing is.
/// </summary>
public static class CoordinatorRestore
{
    private const string Restoring = ".restoring-";

    /// <summary>Reads a backup and compares all its bytes with their hashes.</summary>
    /// <param name="from">The folder of backups.</param>
    /// <param name="name">Of the backup; null: the newest.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="FedLoraException"><c>backup-missing</c>, <c>backup-damaged</c>, ...</exception>
    public static async Task<BackupRestored> CheckAsync(string from, string? name, IProgress<BackupProgress>? progress,
        CancellationToken cancellationToken)
    {
        using var folder = BackupFolder.OpenExisting(from);
        var (chosen, manifest) = folder.Read(name);
        var meter = new Meter(progress) { Total = manifest.Bytes() };
        foreach (var one in manifest.Objects())
        {
            await folder.CopyAsync(one, Stream.Null, cancellationToken);
            meter.Add(one.Size);
        }

        return Done(chosen, manifest);
    }

    /// <summary>Restores one.</summary>
    /// <param name="from">The folder of backups.</param>
    /// <param name="name">Of the backup; null: the newest.</param>
    /// <param name="root">The new data folder: not there yet, or empty.</param>
    /// <param name="postgres">An empty database for the state; null: it goes into the data folder.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="time">Dates the entry in the audit log.</param>
    /// <param name="cancellationToken">Ends it; nothing is left of it then.</param>
    /// <exception cref="FedLoraException"><c>backup-missing</c>, <c>backup-damaged</c>, <c>restore-not-empty</c>,
    /// <c>postgres-not-empty</c>, ...</exception>
    public static async Task<BackupRestored> RestoreAsync(string from, string? name, string root, string? postgres,
        IProgress<BackupProgress>? progress, TimeProvider time, CancellationToken cancellationToken)
    {
        using var folder = BackupFolder.OpenExisting(from);
        var (chosen, manifest) = folder.Read(name);
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
            throw new FedLoraException("restore-not-empty", $"{target} is not empty", "restore into a new folder; nothing was written");
        // Beside it, so that a rename puts all of it in its place.
        var temporary = $"{target}{Restoring}{Guid.NewGuid():N}";
        var meter = new Meter(progress) { Total = manifest.Bytes() };
        try
        {
            DeleteLeftovers(target);
            OwnerOnly.CreateFolder(temporary);
            foreach (var file in manifest.Files)
                await CopyAsync(folder, new(file.Sha256, file.Size), Path.Combine(temporary, file.Path), meter, cancellationToken);
            using (var audit = AuditLog.Open(AuditLog.FolderIn(temporary)))
            {
                audit.Append(time.GetUtcNow(), "warning", "Restored",
                    $"restored from the backup {chosen} of {manifest.Taken:u}; what happened after that moment is not known here",
                    new Dictionary<string, string>
                    {
                        ["backup"] = chosen,
                        ["taken"] = manifest.Taken.ToString("O", CultureInfo.InvariantCulture),
                    });
                audit.Flush("the restore");
            }

            if (postgres is null)
            {
                foreach (var blob in manifest.Blobs)
                    await CopyAsync(folder, blob, CoordinatorFiles.BlobOf(temporary, blob.Sha256), meter, cancellationToken);
            }
            else
            {
                var state = Path.Combine(temporary, BackupManifest.StateFile);
                await FillAsync(folder, manifest, state, postgres, meter, time, cancellationToken);
                File.Delete(state);
                StateElsewhere.Note(temporary, postgres);
            }

            foreach (var inner in Directory.EnumerateDirectories(temporary, "*", SearchOption.AllDirectories).Append(temporary))
                AtomicFile.FlushFolder(inner);
            if (Directory.Exists(target))
                Directory.Delete(target);
            Directory.Move(temporary, target);
            AtomicFile.FlushFolder(Path.GetDirectoryName(target)!);
            return Done(chosen, manifest);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("restore-unwritable", $"cannot restore to {target}: {error.Message}",
                "choose another folder, free some space, or mend its rights; nothing is left of this attempt", error);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }

    // Of restores to the same folder that were killed: there are keys in them.
    private static void DeleteLeftovers(string target)
    {
        var parent = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(parent))
            return;
        foreach (var left in Directory.EnumerateDirectories(parent, $"{Path.GetFileName(target)}{Restoring}*"))
            Directory.Delete(left, recursive: true);
    }

    private static BackupRestored Done(string name, BackupManifest manifest) =>
        new(name, manifest.Taken, manifest.Files.Count, manifest.Blobs.Count, manifest.Bytes());

    private static async Task FillAsync(BackupFolder folder, BackupManifest manifest, string state, string postgres, Meter meter,
        TimeProvider time, CancellationToken cancellationToken)
    {
        await using var database = PostgresDatabase.Open(postgres);
        var blobs = manifest.Blobs.Select(blob => (blob.Sha256, (Func<Stream>)(() =>
        {
            meter.Add(blob.Size);
            return folder.OpenRead(blob);
        })));
        await PostgresState.FillAsync(database, StateRows.Read(state), blobs, time.GetUtcNow(), cancellationToken);
    }

    private static async Task CopyAsync(BackupFolder folder, BackupBlob one, string to, Meter meter, CancellationToken cancellationToken)
    {
        OwnerOnly.CreateFolder(Path.GetDirectoryName(to)!);
        await using (var file = OwnerOnly.CreateFile(to))
        {
            await folder.CopyAsync(one, file, cancellationToken);
            file.Flush(flushToDisk: true);
        }

        meter.Add(one.Size);
    }
}
