using System.Buffers;

namespace Grpc.Core.Internal;

/// <summary>Collects one message in an array, for marshallers used as byte array functions.</summary>
internal sealed class ArraySerializationContext : SerializationContext
{
    private ArrayBufferWriter<byte>? _writer;
    private byte[]? _payload;

    public byte[] Payload => _payload ?? throw new InvalidOperationException("The serializer has not completed the message.");

    public override void Complete(byte[] payload)
    {
        if (_payload is not null) throw new InvalidOperationException("The message is complete already.");
        _payload = payload;
    }

    public override IBufferWriter<byte> GetBufferWriter() => _writer ??= new ArrayBufferWriter<byte>();

    public override void Complete() => Complete(_writer is null ? [] : _writer.WrittenSpan.ToArray());
}

/// <summary>One message that lies in an array.</summary>
internal sealed class ArrayDeserializationContext(byte[] payload) : DeserializationContext
{
    public override int PayloadLength => payload.Length;

    public override byte[] PayloadAsNewBuffer() => payload;

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(payload);
}
