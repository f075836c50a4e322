using FedLora.Core.Audit;
using FedLora.Server.Hosting;
using FedLora.Server.Stores;
using FedLora.Server.Stores.Postgres;

namespace FedLora.Server.Backups;

/// <summary>What a move has copied.</summary>
/// <param name="Rows">States of grains.</param>
/// <param name="Blobs">How many blobs.</param>
/// <param name="Bytes">Of the blobs.</param>
public sealed record StateMoved(int Rows, int Blobs, long Bytes);

/// <summary>
/// Moves the state of a coordinator that is stopped from its data folder to an empty PostgreSQL database, in one transaction.
/// </summary>
public static class CoordinatorMove
{
    /// <summary>Moves it. What lies in the folder stays there, and is not used any more.</summary>
    /// <param name="root">The data folder.</param>
    /// <param name="postgres">The connection.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="time">Dates the entry in the audit log.</param>
    /// <param name="cancellationToken">Ends it; nothing is moved then.</param>
    /// <exception cref="FedLoraException"><c>data-locked</c>: the coordinator runs; <c>move-nothing</c>, <c>state-elsewhere</c>,
    /// <c>postgres-not-empty</c>, <c>blob-damaged</c>.</exception>
    public static async Task<StateMoved> RunAsync(string root, string postgres, IProgress<BackupProgress>? progress, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (!File.Exists(CoordinatorFiles.StateOf(root)))
            throw new FedLoraException("move-nothing", $"{root} has no state of a coordinator",
                "name the folder that the coordinator was started with (--data)");
        StateElsewhere.Require(root, postgres: null);
        using var held = new DataFolder(root);
        await using var database = PostgresDatabase.Open(postgres);
        var there = CoordinatorFiles.Blobs(root);
        var meter = new Meter(progress) { Total = there.Values.Sum() };
        var blobs = there.OrderBy(blob => blob.Key, StringComparer.Ordinal).Select(blob => (blob.Key, (Func<Stream>)(() =>
        {
            meter.Add(blob.Value);
            return OwnerOnly.OpenRead(CoordinatorFiles.BlobOf(root, blob.Key));
        })));
        var rows = await PostgresState.FillAsync(database, StateRows.Read(CoordinatorFiles.StateOf(root)), blobs, time.GetUtcNow(),
            cancellationToken);
        StateElsewhere.Note(root, postgres);
        using var audit = AuditLog.Open(AuditLog.FolderIn(root));
        audit.Append(time.GetUtcNow(), "information", "Moved", $"the state was moved to PostgreSQL: {rows} rows, {there.Count} blobs",
            new Dictionary<string, string>());
        audit.Flush("the move");
        return new(rows, there.Count, meter.Total);
    }
}
