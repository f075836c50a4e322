using System.Buffers;
using System.Data;
using Npgsql;

namespace FedLora.Server.Stores.Postgres;

/// <summary>Reads a blob piece by piece, from anywhere; holds one piece, and no connection between two reads.</summary>
internal sealed class PieceReader(PostgresDatabase database, long blob, long size) : Stream
{
    private const string Sql =
        "SELECT start, octet_length(bytes), bytes FROM blob_piece WHERE blob = $1 AND start <= $2 ORDER BY start DESC LIMIT 1";
    private const string AllSql = "SELECT start, octet_length(bytes), bytes FROM blob_piece WHERE blob = $1 ORDER BY start";
    // A row read as a whole would lie in memory twice, once in Npgsql's own buffer, which it keeps for a while.
    private const CommandBehavior AsItComes = CommandBehavior.SequentialAccess | CommandBehavior.SingleRow;
    private long _position;
    private (long Start, int Length) _piece;
    private byte[] _bytes = [];

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => size;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "a position is at least 0");
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => size + offset,
    };

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (IsOver(buffer.Length))
            return 0;
        if (!IsHere())
            Fetch();
        return Take(buffer);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (IsOver(buffer.Length))
            return 0;
        if (!IsHere())
            await FetchAsync(cancellationToken);
        return Take(buffer.Span);
    }

    /// <summary>Reads the whole blob by one question, into as many bytes as it has.</summary>
    internal async Task ReadAllAsync(Memory<byte> all, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.Source.CreateCommand(AllSql);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = blob });
            await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
            for (_position = 0; _position < size;)
            {
                if (!await reader.ReadAsync(cancellationToken) || reader.GetInt64(0) != _position)
                    throw Gone();
                var piece = all.Slice((int)_position, reader.GetInt32(1));
                await using var bytes = await reader.GetStreamAsync(2, cancellationToken);
                await bytes.ReadExactlyAsync(piece, cancellationToken);
                _position += piece.Length;
            }
        }
        catch (NpgsqlException error)
        {
            throw PostgresDatabase.Refusal(error);
        }
    }

    public override void Flush()
    {
        // Nothing is written.
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private bool IsOver(int wanted) => wanted == 0 || _position >= size;

    private bool IsHere() => IsIn(_piece);

    private bool IsIn((long Start, int Length) piece) => _position >= piece.Start && _position < piece.Start + piece.Length;

    private int Take(Span<byte> buffer)
    {
        var here = _bytes.AsSpan(0, _piece.Length)[(int)(_position - _piece.Start)..];
        var taken = Math.Min(here.Length, buffer.Length);
        here[..taken].CopyTo(buffer);
        _position += taken;
        return taken;
    }

    protected override void Dispose(bool disposing)
    {
        _piece = default;
        Give(ref _bytes);
        base.Dispose(disposing);
    }

    private void Fetch()
    {
        try
        {
            using var command = Command();
            using var reader = command.ExecuteReader(AsItComes);
            if (!reader.Read())
                throw Gone();
            var piece = Begin(reader);
            using var bytes = reader.GetStream(2);
            bytes.ReadExactly(_bytes, 0, piece.Length);
            _piece = piece;
        }
        catch (NpgsqlException error)
        {
            throw PostgresDatabase.Refusal(error);
        }
    }

    private async Task FetchAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = Command();
            await using var reader = await command.ExecuteReaderAsync(AsItComes, cancellationToken);
            if (!await reader.ReadAsync(cancellationToken))
                throw Gone();
            var piece = Begin(reader);
            await using var bytes = await reader.GetStreamAsync(2, cancellationToken);
            await bytes.ReadExactlyAsync(_bytes.AsMemory(0, piece.Length), cancellationToken);
            _piece = piece;
        }
        catch (NpgsqlException error)
        {
            throw PostgresDatabase.Refusal(error);
        }
    }

    private NpgsqlCommand Command()
    {
        var command = database.Source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = blob });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = _position });
        return command;
    }

    /// <summary>Reads what stands before the bytes, and makes room for these; what was held is held no longer.</summary>
    private (long Start, int Length) Begin(NpgsqlDataReader reader)
    {
        (long Start, int Length) piece = (reader.GetInt64(0), reader.GetInt32(1));
        if (!IsIn(piece))
            throw Gone();
        _piece = default;
        if (_bytes.Length < piece.Length)
        {
            Give(ref _bytes);
            _bytes = ArrayPool<byte>.Shared.Rent(piece.Length);
        }

        return piece;
    }

    private static void Give(ref byte[] bytes)
    {
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
    }

    private RefusedException Gone() => new(RefusalCodes.BlobMissing, $"Byte {_position} of a blob is no longer there.",
        "It was removed while it was read.");
}
