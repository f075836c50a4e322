using System.Data;
using System.Runtime.CompilerServices;
using Dapper;
using FedLora.Server.Stores.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace FedLora.Server.Backups;

/// <summary>A coordinator's state and blobs in PostgreSQL: all of it read at one moment, or written as one.</summary>
internal static class PostgresState
{
    /// <summary>Runs something on a snapshot: what others write or remove meanwhile is not seen.</summary>
    internal static Task<T> AtOneMomentAsync<T>(PostgresDatabase database, Func<NpgsqlConnection, Task<T>> action,
        CancellationToken cancellationToken) => database.RunAsync(async connection =>
        {
            await using var moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            // Taken with the first query, so that everything after it is of the same moment.
            await connection.ExecuteAsync(Command("SET TRANSACTION READ ONLY", cancellationToken));
            return await action(connection);
        }, cancellationToken);

    /// <summary>The rows of the grains' states.</summary>
    internal static async IAsyncEnumerable<StateRow> RowsAsync(NpgsqlConnection connection,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in connection.QueryUnbufferedAsync<StateRow>(
            "SELECT name AS Name, grain AS Grain, version AS Version, json AS Json FROM grain_state").WithCancellation(cancellationToken))
            yield return row;
    }

    /// <summary>The whole blobs: hash, length, and the id of their pieces.</summary>
    internal static async Task<IReadOnlyList<(string Sha256, long Size, long Id)>> BlobsAsync(NpgsqlConnection connection,
        CancellationToken cancellationToken) => [.. await connection.QueryAsync<(string, long, long)>(
            Command("SELECT name, size, id FROM blob WHERE complete ORDER BY name", cancellationToken))];

    /// <summary>Writes a blob's bytes to a stream.</summary>
    internal static async Task WriteAsync(NpgsqlConnection connection, long id, Stream to, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT bytes FROM blob_piece WHERE blob = $1 ORDER BY start", connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        await using var pieces = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
        while (await pieces.ReadAsync(cancellationToken))
        {
            await using var bytes = pieces.GetStream(0);
            await bytes.CopyToAsync(to, cancellationToken);
        }
    }

    /// <summary>Fills an empty database, wholly or not at all.</summary>
    /// <param name="database">With its tables, which must be empty.</param>
    /// <param name="state">The rows.</param>
    /// <param name="blobs">Hash and a stream of each blob; a stream of other bytes than the hash's ends everything.</param>
    /// <param name="touched">When the blobs were last of use to somebody.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <returns>How many rows.</returns>
    /// <exception cref="FedLoraException"><c>postgres-not-empty</c>, <c>blob-damaged</c>.</exception>
    internal static Task<int> FillAsync(PostgresDatabase database, IEnumerable<StateRow> state,
        IEnumerable<(string Sha256, Func<Stream> Open)> blobs, DateTimeOffset touched, CancellationToken cancellationToken) =>
        database.TransactAsync(async connection =>
        {
            await connection.ExecuteAsync(Command("LOCK TABLE grain_state, blob IN EXCLUSIVE MODE", cancellationToken));
            if (await connection.ExecuteScalarAsync<bool>(Command(
                "SELECT EXISTS (SELECT 1 FROM grain_state) OR EXISTS (SELECT 1 FROM blob) OR EXISTS (SELECT 1 FROM cluster_fact)",
                cancellationToken)))
                throw new FedLoraException("postgres-not-empty", "the database has a coordinator's state already",
                    "name an empty one; nothing was written");
            var rows = 0;
            await using (var copy = await connection.BeginBinaryImportAsync(
                "COPY grain_state (name, grain, version, json) FROM STDIN (FORMAT BINARY)", cancellationToken))
            {
                foreach (var row in state)
                {
                    await copy.StartRowAsync(cancellationToken);
                    await copy.WriteAsync(row.Name, cancellationToken);
                    await copy.WriteAsync(row.Grain, cancellationToken);
                    await copy.WriteAsync(row.Version, NpgsqlDbType.Bigint, cancellationToken);
                    await copy.WriteAsync(row.Json, cancellationToken);
                    rows++;
                }

                await copy.CompleteAsync(cancellationToken);
            }

            foreach (var (sha256, open) in blobs)
                await AddAsync(connection, sha256, open, touched, cancellationToken);
            return rows;
        }, cancellationToken);

    private static async Task AddAsync(NpgsqlConnection connection, string sha256, Func<Stream> open, DateTimeOffset touched,
        CancellationToken cancellationToken)
    {
        await using var from = open();
        var id = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "INSERT INTO blob (name, size, complete, touched) VALUES (@sha256, @size, true, @touched) RETURNING id",
            new { sha256, size = from.Length, touched = touched.UtcDateTime }, cancellationToken: cancellationToken));
        await using var pieces = new PieceWriter((store, _) => store(connection), _ => Task.FromResult(id));
        await from.CopyToAsync(pieces, cancellationToken);
        await pieces.EndAsync(cancellationToken);
        if (pieces.Hash != sha256)
            throw new FedLoraException("blob-damaged", $"blob {sha256} has other bytes than it had",
                "nothing was written; take a backup of before");
    }

    private static CommandDefinition Command(string sql, CancellationToken cancellationToken) =>
        new(sql, cancellationToken: cancellationToken);
}
