using Dapper;
using FedLora.Server.Stores;
using Microsoft.Data.Sqlite;

namespace FedLora.Server.Backups;

/// <summary>A row of a grain's state, the same in SQLite and PostgreSQL.</summary>
internal sealed record StateRow(string Name, string Grain, long Version, string Json);

/// <summary>Grain states as a SQLite file that nobody else has open.</summary>
internal static class StateRows
{
    /// <summary>Copies a coordinator's state, as it is at one moment, while it goes on writing.</summary>
    internal static void Snapshot(string from, string to)
    {
        using var source = Open(from, SqliteOpenMode.ReadWrite);
        using var target = Open(to, SqliteOpenMode.ReadWriteCreate);
        source.BackupDatabase(target);
        // One file, without a log beside it.
        target.Execute("PRAGMA journal_mode = DELETE");
    }

    /// <summary>Writes rows as such a file.</summary>
    internal static async Task<int> WriteAsync(string to, IAsyncEnumerable<StateRow> rows, CancellationToken cancellationToken)
    {
        using var target = Open(to, SqliteOpenMode.ReadWriteCreate);
        using var transaction = target.BeginTransaction();
        target.Execute(SqliteGrainStorage.CreateTable);
        var count = 0;
        await foreach (var row in rows.WithCancellation(cancellationToken))
        {
            target.Execute("INSERT INTO grain_state (name, grain, version, json) VALUES (@Name, @Grain, @Version, @Json)", row);
            count++;
        }

        transaction.Commit();
        return count;
    }

    /// <summary>Reads the rows, one at a time.</summary>
    /// <exception cref="FedLoraException"><c>state-damaged</c>.</exception>
    internal static IEnumerable<StateRow> Read(string path)
    {
        using var source = Open(path, SqliteOpenMode.ReadWrite);
        if (source.ExecuteScalar<string>("PRAGMA quick_check") is not "ok" and var what)
            throw new FedLoraException("state-damaged", $"the state in {path} is damaged: {what}", "take a backup of before");
        foreach (var row in source.Query<StateRow>(
            "SELECT name AS Name, grain AS Grain, version AS Version, json AS Json FROM grain_state", buffered: false))
            yield return row;
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        SQLitePCL.Batteries_V2.Init();
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 30 }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch (SqliteException error)
        {
            connection.Dispose();
            throw new FedLoraException("state-damaged", $"the coordinator's state {path} cannot be used: {error.Message}",
                "check the folder's name and rights", error);
        }
    }
}
