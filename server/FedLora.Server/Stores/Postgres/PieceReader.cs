using Npgsql;

namespace FedLora.Server.Stores.Postgres;

/// <summary>Reads a blob piece by piece, from anywhere; holds one piece, and no connection between two reads.</summary>
internal sealed class PieceReader(PostgresDatabase database, long blob, long size) : Stream
{
    private const string Sql = "SELECT start, bytes FROM blob_piece WHERE blob = $1 AND start <= $2 ORDER BY start DESC LIMIT 1";
    private long _position;
    private (long Start, byte[] Bytes) _piece = (0, []);

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

    public override void Flush()
    {
        // Nothing is written.
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private bool IsOver(int wanted) => wanted == 0 || _position >= size;

    private bool IsHere() => _position >= _piece.Start && _position < _piece.Start + _piece.Bytes.Length;

    private int Take(Span<byte> buffer)
    {
        var here = _piece.Bytes.AsSpan((int)(_position - _piece.Start));
        var taken = Math.Min(here.Length, buffer.Length);
        here[..taken].CopyTo(buffer);
        _position += taken;
        return taken;
    }

    private void Fetch()
    {
        try
        {
            using var command = Command();
            using var reader = command.ExecuteReader();
            Keep(reader.Read() ? reader : null);
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
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            Keep(await reader.ReadAsync(cancellationToken) ? reader : null);
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

    private void Keep(NpgsqlDataReader? reader)
    {
        if (reader is not null)
            _piece = (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1));
        if (reader is null || !IsHere())
            throw new RefusedException(RefusalCodes.BlobMissing, $"Byte {_position} of a blob is no longer there.",
                "It was removed while it was read.");
    }
}
