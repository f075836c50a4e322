using Dapper;
using Microsoft.Data.Sqlite;

namespace FedLora.Server.Stores;

/// <summary>One SQLite file: write-ahead log, and a commit returns when it is on the disk.</summary>
public sealed class SqliteDatabase : IDisposable
{
    private const int Full = 13;
    private readonly string _connection;

    /// <param name="path">The file; made if it is not there.</param>
    /// <exception cref="FedLoraException"><c>state-damaged</c>: it is no database, or may not be read or written.</exception>
    /// <exception cref="RefusedException"><c>disk-full</c>.</exception>
    public SqliteDatabase(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        _connection = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = true,
            DefaultTimeout = 30,
        }.ToString();
        try
        {
            Run(connection => connection.Execute("PRAGMA journal_mode = WAL"));
        }
        catch (SqliteException error)
        {
            throw new FedLoraException("state-damaged", $"the coordinator's state {path} cannot be used: {error.Message}",
                "mend its rights, put a backup in its place, or start a new coordinator with another --data folder", error);
        }
    }

    /// <summary>Runs something on a connection of its own, on a pool thread: SQLite has no asynchronous calls.</summary>
    /// <exception cref="RefusedException"><c>disk-full</c>.</exception>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> action, CancellationToken cancellationToken) =>
        Task.Run(() => Run(action), cancellationToken);

    /// <summary>Closes the file: what is written lies in it alone, and the folder can be copied or deleted.</summary>
    public void Dispose()
    {
        using var connection = new SqliteConnection(_connection);
        SqliteConnection.ClearPool(connection);
    }

    private T Run<T>(Func<SqliteConnection, T> action)
    {
        try
        {
            using var connection = new SqliteConnection(_connection);
            connection.Open();
            connection.Execute("PRAGMA synchronous = FULL");
            return action(connection);
        }
        catch (SqliteException error) when (error.SqliteErrorCode == Full)
        {
            throw new RefusedException(RefusalCodes.DiskFull, "The coordinator's disk is full; nothing was written.",
                "Free some space in the data folder.");
        }
    }
}
