using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Grpc.Net.Internal;

/// <summary>What stands before each message: one byte that says whether it is compressed, four with its length.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FrameHeader(byte Flag, uint Length)
{
    public const int Size = 5;

    /// <summary>Null while fewer than <see cref="Size"/> bytes are there.</summary>
    public static FrameHeader? Parse(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < Size) return null;
        Span<byte> bytes = stackalloc byte[Size];
        buffer.Slice(0, Size).CopyTo(bytes);
        return new FrameHeader(bytes[0], BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]));
    }

    public void Write(IBufferWriter<byte> output)
    {
        var bytes = output.GetSpan(Size);
        bytes[0] = Flag;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], Length);
        output.Advance(Size);
    }
}
