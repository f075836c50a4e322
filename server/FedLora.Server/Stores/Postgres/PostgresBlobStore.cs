using System.Buffers;
using System.Security.Cryptography;
using Dapper;
using FedLora.Protocol.Transfer;
using Npgsql;

namespace FedLora.Server.Stores.Postgres;

/// <summary>Blobs as rows of pieces, read and written as streams. A commit is on the database's disk before it is acknowledged.</summary>
public sealed class PostgresBlobStore(PostgresDatabase database, TimeProvider? time = null) : IBlobStore, IDisposable
{
    private const string Putting = "put-";
    // So large an upload is read once, into memory, to be looked at; a larger one piece by piece, twice.
    private const int ReadAtOnce = 8 << 20;
    // In one statement, and so in one round trip, what nearly every append is: bytes for the end of an upload that is not whole. It writes
    // nothing where it is anything else.
    private const string AppendAtEnd =
        """
        WITH here AS (
          INSERT INTO blob (name, size, touched)
          SELECT $1, octet_length($3), $4 WHERE $2 = 0 OR EXISTS (SELECT 1 FROM blob WHERE name = $1)
          ON CONFLICT (name) DO UPDATE SET size = blob.size + excluded.size, touched = excluded.touched
          WHERE NOT blob.complete AND blob.size = $2
          RETURNING id)
        INSERT INTO blob_piece (blob, start, bytes) SELECT id, $2, $3 FROM here
        RETURNING CASE WHEN $5 THEN NULL ELSE set_config('synchronous_commit', 'off', true) END
        """;

    // In one statement what a put of a few bytes is. It counts nothing where a part of an upload has that name.
    private const string PutWhole =
        """
        WITH here AS (
          INSERT INTO blob (name, size, complete, touched) VALUES ($1, octet_length($2), true, $3)
          ON CONFLICT (name) DO UPDATE SET touched = excluded.touched WHERE blob.complete
          RETURNING id, xmax = 0 AS is_new),
        piece AS (
          INSERT INTO blob_piece (blob, start, bytes) SELECT id, 0, $2 FROM here WHERE is_new AND octet_length($2) > 0)
        SELECT count(*) FROM here
        """;

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    // A check computes, and may read the database without await: more at once would only keep threads and memory.
    private readonly SemaphoreSlim _checks = new(Environment.ProcessorCount);

    public async Task<bool> ExistsAsync(string sha256, CancellationToken cancellationToken) =>
        await FindAsync(sha256, cancellationToken) is { Complete: true };

    public async Task<Stream> OpenReadAsync(string sha256, CancellationToken cancellationToken) =>
        await FindAsync(sha256, cancellationToken) is { Complete: true } found
            ? new PieceReader(database, found.Id, found.Size)
            : throw new RefusedException(RefusalCodes.BlobMissing, $"There is no blob {sha256}.",
                "It was never stored, or is no longer kept.");

    public async Task<string> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var name = Putting + Guid.NewGuid().ToString("N");
        await using var pieces = new PieceWriter(database.RunAsync, token => database.RunAsync(
            connection => connection.ExecuteScalarAsync<long>(
                Command("INSERT INTO blob (name, touched) VALUES (@name, @now) RETURNING id", new { name, now = Now() }, token)), token));
        try
        {
            await write(pieces, cancellationToken);
            var hash = pieces.Hash;
            if (pieces.Id is not null || !await PutWholeAsync(hash, pieces.Filled, cancellationToken))
                await PublishAsync(await pieces.EndAsync(cancellationToken), hash, pieces.Length, cancellationToken);
            return hash;
        }
        finally
        {
            // Where it was published it has another name by now.
            if (pieces.Id is not null)
            {
                await database.RunAsync(connection => connection.ExecuteAsync(
                    Command("DELETE FROM blob WHERE name = @name", new { name }, CancellationToken.None)), CancellationToken.None);
            }
        }
    }

    private Task<bool> PutWholeAsync(string sha256, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        database.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(PutWhole, connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
            command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = bytes });
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = Now() });
            return await command.ExecuteScalarAsync(cancellationToken) is > 0L;
        }, cancellationToken);

    public async Task<long> PartialLengthAsync(string sha256, CancellationToken cancellationToken) =>
        (await FindAsync(sha256, cancellationToken))?.Size ?? 0;

    public async Task<long> AppendAsync(string sha256, long offset, ReadOnlyMemory<byte> bytes, long maxBytes, bool durable,
        CancellationToken cancellationToken)
    {
        Require(sha256);
        var end = offset + bytes.Length;
        return offset >= 0 && !bytes.IsEmpty && end <= maxBytes
            && await AppendAtEndAsync(sha256, offset, bytes, durable, cancellationToken)
            ? end : await AppendSomeAsync(sha256, offset, bytes, maxBytes, durable, cancellationToken);
    }

    private Task<bool> AppendAtEndAsync(string sha256, long offset, ReadOnlyMemory<byte> bytes, bool durable,
        CancellationToken cancellationToken) => database.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(AppendAtEnd, connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sha256 });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = offset });
            command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = bytes });
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = Now() });
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = durable });
            return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
        }, cancellationToken);

    private Task<long> AppendSomeAsync(string sha256, long offset, ReadOnlyMemory<byte> bytes, long maxBytes, bool durable,
        CancellationToken cancellationToken) => database.TransactAsync(async connection =>
        {
            if (!durable)
                await connection.ExecuteAsync(Command("SET LOCAL synchronous_commit = off", null, cancellationToken));
            // Made if it is not there, and held against all others until the end; what is refused leaves no row.
            var row = await connection.QuerySingleAsync<Row>(Command(
                "INSERT INTO blob (name, touched) VALUES (@sha256, @now) ON CONFLICT (name) DO UPDATE SET touched = blob.touched "
                    + "RETURNING id AS Id, size AS Size, complete AS Complete",
                new { sha256, now = Now() }, cancellationToken));
            if (row.Complete)
                return row.Size;
            var added = BlobAppend.New(offset, bytes, row.Size, maxBytes);
            // None at all makes durable what is here; a piece of nothing would stand where the next one begins.
            if (!added.IsEmpty)
                await PieceWriter.StoreAsync(connection, row.Id, row.Size, added, cancellationToken);
            await connection.ExecuteAsync(
                Command("UPDATE blob SET size = @size, touched = @now WHERE id = @Id",
                    new { size = row.Size + added.Length, now = Now(), row.Id }, cancellationToken));
            return row.Size + added.Length;
        }, cancellationToken);

    public async Task CompleteAsync(string sha256, Action<Stream>? check, CancellationToken cancellationToken)
    {
        var found = await FindAsync(sha256, cancellationToken) ?? throw Nothing(sha256);
        await _checks.WaitAsync(cancellationToken);
        try
        {
            if (!found.Complete || check is not null)
                await CheckAsync(found, sha256, check, cancellationToken);
        }
        catch (RefusedException refusal) when (refusal.Code != RefusalCodes.DatabaseAway && !found.Complete)
        {
            await DeletePartialAsync(sha256, CancellationToken.None);
            throw;
        }
        finally
        {
            _checks.Release();
        }

        // Only what was looked at: pieces are added and removed, never changed, and whoever starts anew has another id.
        var done = await database.RunAsync(connection => connection.ExecuteAsync(Command(
            "UPDATE blob SET complete = true, touched = @now WHERE id = @Id AND name = @sha256 AND size = @Size",
            new { now = Now(), found.Id, sha256, found.Size }, cancellationToken)), cancellationToken);
        if (done == 0)
            throw Nothing(sha256);
    }

    private async Task CheckAsync(Row found, string sha256, Action<Stream>? check, CancellationToken cancellationToken)
    {
        await using var pieces = new PieceReader(database, found.Id, found.Size);
        if (found.Size > ReadAtOnce)
        {
            if (!found.Complete)
                Require(sha256, await SHA256.HashDataAsync(pieces, cancellationToken));
            pieces.Position = 0;
            check?.Invoke(pieces);
            return;
        }

        var (size, bytes) = ((int)found.Size, ArrayPool<byte>.Shared.Rent((int)found.Size));
        try
        {
            await pieces.ReadAllAsync(bytes.AsMemory(0, size), cancellationToken);
            if (!found.Complete)
                Require(sha256, SHA256.HashData(bytes.AsSpan(0, size)));
            using var stream = new MemoryStream(bytes, 0, size, writable: false);
            check?.Invoke(stream);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public Task DeleteAsync(string sha256, CancellationToken cancellationToken) =>
        RemoveAsync("DELETE FROM blob WHERE name = @sha256", sha256, cancellationToken);

    public Task DeletePartialAsync(string sha256, CancellationToken cancellationToken) =>
        RemoveAsync("DELETE FROM blob WHERE name = @sha256 AND NOT complete", sha256, cancellationToken);

    public Task<int> PrunePartialsAsync(DateTimeOffset before, int most, CancellationToken cancellationToken) =>
        database.RunAsync(connection => connection.ExecuteAsync(Command(
            "DELETE FROM blob WHERE id IN (SELECT id FROM blob WHERE NOT complete AND touched < @before LIMIT @most FOR UPDATE SKIP "
                + "LOCKED)", new
                {
                    before = before.UtcDateTime,
                    most,
                }, cancellationToken)), cancellationToken);

    public Task<int> PruneAsync(DateTimeOffset before, Func<string, bool> unused, int most, CancellationToken cancellationToken) =>
        database.RunAsync(async connection =>
        {
            var old = await connection.QueryAsync<string>(
                Command("SELECT name FROM blob WHERE complete AND touched < @before", new { before = before.UtcDateTime },
                    cancellationToken));
            var names = old.Where(unused).Take(most).ToArray();
            // Looked at again: somebody may have renewed one.
            return await connection.ExecuteAsync(
                Command("DELETE FROM blob WHERE name = ANY(@names) AND complete AND touched < @before",
                    new { names, before = before.UtcDateTime }, cancellationToken));
        }, cancellationToken);

    // A blob that is stored once more is as young as a new one: whoever stores it is about to refer to it.
    private Task<int> PublishAsync(long id, string sha256, long size, CancellationToken cancellationToken) =>
        database.TransactAsync(async connection =>
        {
            await connection.ExecuteAsync(
                Command("SELECT pg_advisory_xact_lock(hashtextextended(@sha256, 0))", new { sha256 }, cancellationToken));
            if (await connection.ExecuteAsync(
                Command("UPDATE blob SET touched = @now WHERE name = @sha256 AND complete", new { now = Now(), sha256 }, cancellationToken))
                == 1)
                return 0;
            await connection.ExecuteAsync(Command("DELETE FROM blob WHERE name = @sha256", new { sha256 }, cancellationToken));
            return await connection.ExecuteAsync(Command(
                "UPDATE blob SET name = @sha256, size = @size, complete = true, touched = @now WHERE id = @id",
                new { sha256, size, now = Now(), id }, cancellationToken));
        }, cancellationToken);

    private Task<Row?> FindAsync(string sha256, CancellationToken cancellationToken)
    {
        Require(sha256);
        return database.RunAsync(connection => connection.QuerySingleOrDefaultAsync<Row>(Command(
            "SELECT id AS Id, size AS Size, complete AS Complete FROM blob WHERE name = @sha256", new { sha256 }, cancellationToken)),
            cancellationToken);
    }

    private Task<int> RemoveAsync(string sql, string sha256, CancellationToken cancellationToken)
    {
        Require(sha256);
        return database.RunAsync(connection => connection.ExecuteAsync(Command(sql, new { sha256 }, cancellationToken)), cancellationToken);
    }

    private static void Require(string sha256)
    {
        if (!Sha256Hex.IsValid(sha256))
            throw new RefusedException(RefusalCodes.BlobMissing, "A blob is named by its SHA-256, 64 lower-case hex digits.",
                "Name it so.");
    }

    private static void Require(string sha256, byte[] hash)
    {
        if (Convert.ToHexStringLower(hash) is var found && found != sha256)
            throw new RefusedException(RefusalCodes.BlobHash, $"The upload's SHA-256 is {found}, not {sha256}.",
                "Send it again from the start.");
    }

    private static RefusedException Nothing(string sha256) =>
        new(RefusalCodes.BlobMissing, $"Nothing was uploaded for blob {sha256}.", "Send it from the start.");

    public void Dispose() => _checks.Dispose();

    private DateTime Now() => _time.GetUtcNow().UtcDateTime;

    private static CommandDefinition Command(string sql, object? arguments, CancellationToken cancellationToken) =>
        new(sql, arguments, cancellationToken: cancellationToken);

    private sealed class Row
    {
        public long Id { get; init; }

        public long Size { get; init; }

        public bool Complete { get; init; }
    }
}
