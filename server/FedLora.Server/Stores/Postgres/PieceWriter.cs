using System.Buffers;
using System.Security.Cryptography;
using Npgsql;

namespace FedLora.Server.Stores.Postgres;

/// <summary>Writes a blob in pieces of one size, and hashes what it writes. What is no larger than one piece stays in memory.</summary>
/// <param name="run">Runs something on a connection: one for each piece, or that of a transaction.</param>
/// <param name="begin">Makes the blob's row and returns its id, before the first piece is written.</param>
internal sealed class PieceWriter(Func<Func<NpgsqlConnection, Task<int>>, CancellationToken, Task<int>> run,
    Func<CancellationToken, Task<long>> begin) : Stream
{
    private const int PieceSize = 1 << 20;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _piece = ArrayPool<byte>.Shared.Rent(PieceSize);
    private int _filled;
    private bool _isClosed;
    private long _written;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _written + _filled;

    public override long Position
    {
        get => Length;
        set => throw new NotSupportedException();
    }

    /// <summary>The blob's id; null while all of it is in memory.</summary>
    internal long? Id { get; private set; }

    /// <summary>SHA-256 of all that was written.</summary>
    internal string Hash => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>What is in memory.</summary>
    internal ReadOnlyMemory<byte> Filled => _piece.AsMemory(0, _filled);

    /// <summary>Writes what is left.</summary>
    /// <returns>The blob's id.</returns>
    internal async Task<long> EndAsync(CancellationToken cancellationToken)
    {
        if (_filled > 0 || Id is null)
            await StoreAsync(cancellationToken);
        return Id!.Value;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[Fill(buffer)..];
            if (_filled == PieceSize)
                StoreAsync(CancellationToken.None).GetAwaiter().GetResult();
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[Fill(buffer.Span)..];
            if (_filled == PieceSize)
                await StoreAsync(cancellationToken);
        }
    }

    public override void Flush()
    {
        // A piece is written when it is full.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (!_isClosed)
            ArrayPool<byte>.Shared.Return(_piece);
        _isClosed = true;
        _hash.Dispose();
        base.Dispose(disposing);
    }

    private int Fill(ReadOnlySpan<byte> from)
    {
        var taken = Math.Min(from.Length, PieceSize - _filled);
        from[..taken].CopyTo(_piece.AsSpan(_filled));
        _hash.AppendData(from[..taken]);
        _filled += taken;
        return taken;
    }

    private async Task StoreAsync(CancellationToken cancellationToken)
    {
        var blob = Id ??= await begin(cancellationToken);
        if (_filled > 0)
            await run(connection => StoreAsync(connection, blob, _written, Filled, cancellationToken), cancellationToken);
        (_written, _filled) = (_written + _filled, 0);
    }

    /// <summary>Writes one piece.</summary>
    internal static async Task<int> StoreAsync(NpgsqlConnection connection, long blob, long start, ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("INSERT INTO blob_piece (blob, start, bytes) VALUES ($1, $2, $3)", connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = blob });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = start });
        command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = bytes });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
