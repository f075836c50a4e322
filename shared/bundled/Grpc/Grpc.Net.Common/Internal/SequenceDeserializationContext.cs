using System.Buffers;
using Grpc.Core;

namespace Grpc.Net.Internal;

/// <summary>Shows a marshaller the bytes of one message where they lie.</summary>
internal sealed class SequenceDeserializationContext : DeserializationContext
{
    private ReadOnlySequence<byte> _payload;

    public override int PayloadLength => (int)_payload.Length;

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    /// <exception cref="RpcException">INTERNAL: the bytes are not such a message.</exception>
    public T Run<T>(ReadOnlySequence<byte> payload, Func<DeserializationContext, T> deserialize)
    {
        _payload = payload;
        try
        {
            return deserialize(this);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"A message could not be read. {exception.GetType().Name}: {exception.Message}", exception));
        }
        finally
        {
            _payload = default;
        }
    }
}
