using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// Where a marshaller puts one message: either whole by <see cref="Complete(byte[])"/>, or into
/// <see cref="GetBufferWriter"/> and then <see cref="Complete()"/>.
/// </summary>
public abstract class SerializationContext
{
    public virtual void Complete(byte[] payload) => throw new NotImplementedException();

    public virtual IBufferWriter<byte> GetBufferWriter() => throw new NotImplementedException();

    /// <summary>Announces the size in bytes, so that nothing has to be buffered to learn it.</summary>
    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    public virtual void Complete() => throw new NotImplementedException();
}
