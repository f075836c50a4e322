using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.Net.Internal;

/// <summary>
/// Takes messages from a pipe. Memory grows with what has arrived, never with what a header announces, and ends at the limit.
/// </summary>
internal sealed class MessageReader<T>(
    PipeReader input, Func<DeserializationContext, T> deserialize, Encodings encodings, string? encoding, int? limit)
    where T : class
{
    private readonly SequenceDeserializationContext _context = new();

    /// <returns>Null at the end of the stream.</returns>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED over the limit, INTERNAL or UNIMPLEMENTED for what is not a message.</exception>
    public async ValueTask<T?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken);
            var (consumed, examined) = (result.Buffer.Start, result.Buffer.End);
            try
            {
                if (result.IsCanceled) throw Failure(StatusCode.Internal, "Incoming message cancelled.");
                if (Frame(result.Buffer) is { } frame)
                {
                    consumed = examined = frame.Payload.End;
                    return Deserialize(frame.Payload, frame.Compressed);
                }

                if (result.IsCompleted)
                {
                    return result.Buffer.IsEmpty ? null : throw Failure(StatusCode.Internal, "Incomplete message.");
                }
            }
            finally
            {
                input.AdvanceTo(consumed, examined);
            }
        }
    }

    /// <summary>The only message of a stream, read together with the stream's end; null for an empty stream.</summary>
    public async ValueTask<T?> ReadSingleAsync(CancellationToken cancellationToken)
    {
        var message = await ReadAsync(cancellationToken);
        if (message is null) return null;
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken);
            var excess = !result.Buffer.IsEmpty;
            input.AdvanceTo(result.Buffer.End);
            if (excess) throw Failure(StatusCode.Internal, "Additional data after the message received.");
            if (result.IsCompleted) return message;
        }
    }

    private (ReadOnlySequence<byte> Payload, bool Compressed)? Frame(ReadOnlySequence<byte> buffer)
    {
        if (FrameHeader.Parse(buffer) is not { } header) return null;
        if (header.Flag > 1) throw Failure(StatusCode.Internal, "Unexpected compressed flag value in message header.");
        if (header.Length > (limit ?? int.MaxValue)) throw TooLarge();
        return buffer.Length < FrameHeader.Size + header.Length
            ? null
            : (buffer.Slice(FrameHeader.Size, header.Length), header.Flag == 1);
    }

    private T Deserialize(ReadOnlySequence<byte> payload, bool compressed)
    {
        if (!compressed) return _context.Run(payload, deserialize);
        using var plain = new PooledBuffer(limit ?? int.MaxValue);
        using var source = PipeReader.Create(payload).AsStream();
        using var decompressor = encodings.ForReading(encoding).CreateDecompressionStream(source);
        try
        {
            decompressor.CopyTo(plain);
        }
        catch (BufferLimitException)
        {
            throw TooLarge();
        }
        catch (InvalidDataException exception)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"A message is not what grpc-encoding '{encoding}' says.", exception));
        }

        return _context.Run(plain.AsSequence(), deserialize);
    }

    private static RpcException TooLarge() =>
        Failure(StatusCode.ResourceExhausted, "Received message exceeds the maximum configured message size.");

    private static RpcException Failure(StatusCode code, string detail) => new(new Status(code, detail));
}
