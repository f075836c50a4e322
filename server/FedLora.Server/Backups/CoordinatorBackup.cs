using FedLora.Server.Authentication;
using FedLora.Server.Stores;
using FedLora.Server.Stores.Postgres;

namespace FedLora.Server.Backups;

/// <summary>What a backup has done.</summary>
/// <param name="Name">Of the backup.</param>
/// <param name="Taken">The moment that it is of.</param>
/// <param name="Files">How many files besides the blobs.</param>
/// <param name="Blobs">How many blobs.</param>
/// <param name="Bytes">All of it.</param>
/// <param name="NewBytes">What was not in the folder before.</param>
/// <param name="Damaged">Blobs that have other bytes in the coordinator's store than their names say; they are not in it.</param>
/// <param name="Removed">Older backups that went.</param>
public sealed record BackupTaken(string Name, DateTimeOffset Taken, int Files, int Blobs, long Bytes, long NewBytes,
    IReadOnlyList<string> Damaged, int Removed);

/// <summary>
/// Saves a coordinator's whole state beside it while it serves: its rows and blobs as they are at one moment, its files. What the folder
/// has of an earlier backup is not copied again.
/// </summary>
public sealed class CoordinatorBackup
{
    // Where rounds are kept for a while only, each one's end removes blobs; what was copied is not copied again.
    private const int Attempts = 20;

    private readonly string _root;
    private readonly BackupFolder _folder;
    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private readonly bool _reread;
    private readonly List<string> _damaged = [];
    private long _newBytes;

    private CoordinatorBackup(string root, BackupFolder folder, bool reread, IProgress<BackupProgress>? progress, TimeProvider time) =>
        (_root, _folder, _reread, _meter, _time) = (root, folder, reread, new(progress), time);

    /// <summary>Takes one.</summary>
    /// <param name="root">The coordinator's data folder.</param>
    /// <param name="postgres">Where its state is in PostgreSQL; null: in the data folder.</param>
    /// <param name="to">The folder of backups; made if need be.</param>
    /// <param name="keep">How many of the newest stay; null: all.</param>
    /// <param name="reread">Whether what is there already is read again, and copied anew where it is damaged.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="time">Dates it.</param>
    /// <param name="cancellationToken">Ends it; what was copied until then stays for the next one.</param>
    /// <exception cref="FedLoraException"><c>backup-nothing</c>, <c>backup-other</c>, <c>backup-disturbed</c>, <c>backup-unwritable</c>,
    /// <c>state-elsewhere</c>, ...</exception>
    public static async Task<BackupTaken> TakeAsync(string root, string? postgres, string to, int? keep, bool reread,
        IProgress<BackupProgress>? progress, TimeProvider time, CancellationToken cancellationToken)
    {
        StateElsewhere.Require(root, postgres);
        if (AccessTokens.Fingerprint(root) is not { } coordinator || (postgres is null && !File.Exists(CoordinatorFiles.StateOf(root))))
            throw new FedLoraException("backup-nothing", $"{root} is not the data folder of a coordinator that has run",
                "name the folder that the coordinator was started with (--data)");
        using var folder = BackupFolder.OpenOrCreate(to);
        if (folder.Names().Count > 0 && folder.Read(null).Manifest.Coordinator != coordinator)
            throw new FedLoraException("backup-other", $"{to} has backups of another coordinator",
                "give each coordinator a folder of its own");
        var backup = new CoordinatorBackup(root, folder, reread, progress, time);
        try
        {
            return await backup.TakeAsync(coordinator, postgres, keep, cancellationToken);
        }
        catch (IOException error)
        {
            throw new FedLoraException("backup-unwritable", $"cannot write the backup to {to}: {error.Message}",
                "free some space; what was copied is used by the next backup", error);
        }
    }

    private async Task<BackupTaken> TakeAsync(string coordinator, string? postgres, int? keep, CancellationToken cancellationToken)
    {
        var work = _folder.WorkFolder();
        try
        {
            var state = Path.Combine(work, BackupManifest.StateFile);
            var (taken, blobs) = postgres is null ? await FromFolderAsync(state, cancellationToken)
                : await FromPostgresAsync(postgres, state, cancellationToken);
            var files = new List<BackupFile>
            {
                await AddAsync(BackupManifest.StateFile, async stream =>
                {
                    await using var from = OwnerOnly.OpenRead(state);
                    await from.CopyToAsync(stream, cancellationToken);
                }, cancellationToken),
            };
            // After the state: what the log tells of is then at least what the state knows.
            foreach (var path in CoordinatorFiles.Saved(_root))
                files.Add(await AddAsync(path, stream => CoordinatorFiles.WriteAsync(_root, path, stream, cancellationToken),
                    cancellationToken));
            var manifest = new BackupManifest
            {
                Version = BackupManifest.Current,
                Taken = taken,
                Coordinator = coordinator,
                Files = files,
                Blobs = blobs,
            };
            var name = _folder.Commit(manifest);
            return new(name, taken, files.Count, blobs.Count, manifest.Bytes(), _newBytes, _damaged,
                keep is { } newest ? _folder.Keep(newest) : 0);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    // A blob is written before the state that refers to it, and is removed after the one that no longer does: those that are there around
    // the moment of the state are all that it refers to.
    private async Task<(DateTimeOffset Taken, List<BackupBlob> Blobs)> FromFolderAsync(string state, CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            File.Delete(state);
            _damaged.Clear();
            var before = CoordinatorFiles.Blobs(_root);
            var taken = _time.GetUtcNow();
            StateRows.Snapshot(CoordinatorFiles.StateOf(_root), state);
            var there = CoordinatorFiles.Blobs(_root);
            if (before.Keys.All(there.ContainsKey) && await CopyAllAsync(there, cancellationToken) is { } blobs)
                return (taken, blobs);
        }

        throw new FedLoraException("backup-disturbed", "blobs were removed each time that they were about to be copied",
            "try again; what was copied is used");
    }

    private async Task<List<BackupBlob>?> CopyAllAsync(Dictionary<string, long> there, CancellationToken cancellationToken)
    {
        _meter.Total = there.Values.Sum();
        var blobs = new List<BackupBlob>();
        foreach (var (sha256, size) in there.OrderBy(blob => blob.Key, StringComparer.Ordinal))
        {
            try
            {
                await CopyAsync(new(sha256, size), blobs, async stream =>
                {
                    await using var from = OwnerOnly.OpenRead(CoordinatorFiles.BlobOf(_root, sha256));
                    await from.CopyToAsync(stream, cancellationToken);
                }, cancellationToken);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
        }

        return blobs;
    }

    private async Task<(DateTimeOffset Taken, List<BackupBlob> Blobs)> FromPostgresAsync(string postgres, string state,
        CancellationToken cancellationToken)
    {
        await using var database = PostgresDatabase.Open(postgres);
        return await PostgresState.AtOneMomentAsync(database, async connection =>
        {
            var there = await PostgresState.BlobsAsync(connection, cancellationToken);
            var taken = _time.GetUtcNow();
            if (await StateRows.WriteAsync(state, PostgresState.RowsAsync(connection, cancellationToken), cancellationToken) == 0)
                throw new FedLoraException("backup-nothing", "the database has no coordinator's state", "check the connection's database");
            _meter.Total = there.Sum(blob => blob.Size);
            var blobs = new List<BackupBlob>();
            foreach (var (sha256, size, id) in there)
                await CopyAsync(new(sha256, size), blobs, stream => PostgresState.WriteAsync(connection, id, stream, cancellationToken),
                    cancellationToken);
            return (taken, blobs);
        }, cancellationToken);
    }

    private async Task CopyAsync(BackupBlob blob, List<BackupBlob> blobs, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        if (!_folder.Has(blob.Sha256, blob.Size) || (_reread && !await _folder.IsWholeAsync(blob, cancellationToken)))
        {
            if (await AddAsync(write, cancellationToken) != blob)
            {
                _damaged.Add(blob.Sha256);
                return;
            }
        }

        blobs.Add(blob);
        _meter.Add(blob.Size);
    }

    private async Task<BackupFile> AddAsync(string path, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        var added = await AddAsync(write, cancellationToken);
        return new(path, added.Size, added.Sha256);
    }

    private async Task<BackupBlob> AddAsync(Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        var (added, isNew) = await _folder.AddAsync(write, cancellationToken);
        _newBytes += isNew ? added.Size : 0;
        return added;
    }
}
