using Dapper;
using Microsoft.Data.Sqlite;

namespace FedLora.Server.Stores;

/// <summary>
/// One SQLite file: write-ahead log, and a commit returns when it is on the disk. One writes at a time, over one connection: it knows the
/// pages that it wrote, and nobody who waits for the file sleeps 150 ms, which is what Microsoft.Data.Sqlite does.
/// </summary>
public sealed class SqliteDatabase : IDisposable
{
    private const int Full = 13;
    private readonly string _connection;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private SqliteConnection? _writer;

    /// <param name="path">The file; made if it is not there.</param>
    /// <exception cref="FedLoraException"><c>state-damaged</c>: it is no whole database, or may not be read or written.</exception>
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
            Write(connection => connection.Execute("PRAGMA journal_mode = WAL"));
            // Of a file that was cut off within a page SQLite reads zeros: a row would be gone or another, and nobody told.
            if (new FileInfo(path).Length % Write(connection => connection.ExecuteScalar<long>("PRAGMA page_size")) != 0)
                throw Damaged(path, "is damaged: it was cut off");
            if (Write(connection => connection.ExecuteScalar<string>("PRAGMA quick_check(1)")) is not "ok" and var what)
                throw Damaged(path, $"is damaged: {what?.ReplaceLineEndings(" ")}");
        }
        catch (SqliteException error)
        {
            throw Damaged(path, $"cannot be used: {error.Message}", error);
        }
        catch (FedLoraException)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Reads, on a connection of its own and a pool thread: SQLite has no asynchronous calls.</summary>
    public Task<T> ReadAsync<T>(Func<SqliteConnection, T> action, CancellationToken cancellationToken) =>
        Task.Run(() => Run(action), cancellationToken);

    /// <summary>Writes, when it is its turn.</summary>
    /// <exception cref="RefusedException"><c>disk-full</c>.</exception>
    public async Task<T> WriteAsync<T>(Func<SqliteConnection, T> action, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(() => Write(action), cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes the file: what is written lies in it alone, and the folder can be copied or deleted.</summary>
    public void Dispose()
    {
        _turn.Wait(TimeSpan.FromSeconds(30));
        Forget();
        using var connection = new SqliteConnection(_connection);
        SqliteConnection.ClearPool(connection);
        _turn.Dispose();
    }

    private static FedLoraException Damaged(string path, string how, SqliteException? error = null) => new("state-damaged",
        $"the coordinator's state {path} {how}",
        "mend its rights, put a backup in its place, or start a new coordinator with another --data folder", error);

    private T Write<T>(Func<SqliteConnection, T> action)
    {
        try
        {
            return action(_writer ??= Open());
        }
        catch (SqliteException error)
        {
            Forget();
            if (error.SqliteErrorCode == Full)
                throw new RefusedException(RefusalCodes.DiskFull, "The coordinator's disk is full; nothing was written.",
                    "Free some space in the data folder.");
            throw;
        }
    }

    // Without the pool, which would hand it out again as it is, with a transaction that was begun.
    private void Forget()
    {
        if (_writer is null)
            return;
        SqliteConnection.ClearPool(_writer);
        _writer.Dispose();
        _writer = null;
    }

    private T Run<T>(Func<SqliteConnection, T> action)
    {
        using var connection = Open();
        return action(connection);
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        try
        {
            connection.Open();
            connection.Execute("PRAGMA synchronous = FULL");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
