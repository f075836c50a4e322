namespace FedLora.Grains.Federations;

/// <summary>
/// One update on its way in. A small one that comes quickly is kept in memory until it is whole, and written once; all others are written as
/// they come.
/// </summary>
public sealed class IncomingUpdate : IAsyncDisposable
{
    private readonly UpdateReceiver _receiver;
    private readonly UpdateExpectation _expectation;
    private readonly bool _resumed;
    private byte[]? _held;

    internal IncomingUpdate(UpdateReceiver receiver, UpdateHeader header, UpdateExpectation expectation, long offset)
    {
        (_receiver, Header, _expectation, Offset, _resumed) = (receiver, header, expectation, offset, offset > 0);
        _held = offset == 0 ? receiver.Hold(header.Bytes) : null;
    }

    public UpdateHeader Header { get; }

    /// <summary>Bytes that are here: where its sender goes on; the header's length where nothing is left to send.</summary>
    public long Offset { get; private set; }

    /// <summary>Keeps some more bytes; where <paramref name="durable"/> is set, all of them would survive a power cut.</summary>
    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, bool durable, CancellationToken cancellationToken)
    {
        if (_held is { } held && !durable && Offset + bytes.Length <= Header.Bytes)
        {
            bytes.CopyTo(held.AsMemory((int)Offset));
        }
        else
        {
            await WriteHeldAsync(cancellationToken);
            await _receiver.AppendAsync(Header, Offset, bytes, durable, cancellationToken);
        }

        _receiver.CountReceived(bytes.Length);
        // Not the length of what is here: another node that sends the same bytes may be ahead.
        Offset += bytes.Length;
    }

    /// <summary>Checks and records the update; when this returns it is acknowledged.</summary>
    /// <exception cref="RefusedException">It is not what the node should have sent, or no longer wanted.</exception>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        var held = Offset == Header.Bytes ? Interlocked.Exchange(ref _held, null) : null;
        try
        {
            ArraySegment<byte>? whole = held is null ? default(ArraySegment<byte>?) : new(held, 0, (int)Offset);
            await _receiver.CompleteAsync(Header, _expectation, _resumed, whole, cancellationToken);
        }
        finally
        {
            if (held is not null)
                _receiver.Release(held);
        }
    }

    /// <summary>Of one that has come in part, that part is there when its sender calls again.</summary>
    public async ValueTask DisposeAsync() => await WriteHeldAsync(CancellationToken.None);

    private async Task WriteHeldAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _held, null) is not { } held)
            return;
        try
        {
            if (Offset > 0)
                await _receiver.AppendAsync(Header, 0, held.AsMemory(0, (int)Offset), durable: false, cancellationToken);
        }
        finally
        {
            _receiver.Release(held);
        }
    }
}
