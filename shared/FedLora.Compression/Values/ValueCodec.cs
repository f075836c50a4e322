using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace FedLora.Compression.Values;

/// <summary>Writes and reads the kept values in a <see cref="ValueFormat"/>.</summary>
internal static class ValueCodec
{
    /// <summary>Number of bytes that <paramref name="count"/> values take.</summary>
    public static long Size(ValueFormat format, long count) => format switch
    {
        ValueFormat.F32 => count * 4,
        ValueFormat.BF16 or ValueFormat.F16 => count * 2,
        ValueFormat.Q8 => BlockQuantizer.Size(count, 8),
        ValueFormat.Q4 => BlockQuantizer.Size(count, 4),
        _ => throw SparseFormat.Invalid($"value format {(int)format} is unknown"),
    };

    public static void Encode(ValueFormat format, ReadOnlySpan<float> values, ulong seed, Span<byte> target)
    {
        switch (format)
        {
            case ValueFormat.F32:
                if (BitConverter.IsLittleEndian)
                    MemoryMarshal.AsBytes(values).CopyTo(target);
                else
                    BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<float, int>(values), MemoryMarshal.Cast<byte, int>(target));
                break;
            case ValueFormat.BF16:
                for (var i = 0; i < values.Length; i++)
                    BinaryPrimitives.WriteUInt16LittleEndian(target[(2 * i)..], BFloat(values[i]));
                break;
            case ValueFormat.F16:
                if (values.Length > 0 && TensorPrimitives.MaxMagnitude(values) is var largest
                    && !(Math.Abs(largest) <= (float)Half.MaxValue))
                    throw new FedLoraException("value-out-of-range", $"an entry of {largest} does not fit into f16",
                        "Use values: bf16 or f32.");
                for (var i = 0; i < values.Length; i++)
                    BinaryPrimitives.WriteHalfLittleEndian(target[(2 * i)..], (Half)values[i]);
                break;
            default:
                BlockQuantizer.Encode(values, format == ValueFormat.Q8 ? 8 : 4, seed, target);
                break;
        }
    }

    public static float[] Decode(ValueFormat format, int count, ReadOnlySpan<byte> source)
    {
        var values = new float[count];
        switch (format)
        {
            case ValueFormat.F32:
                source.CopyTo(MemoryMarshal.AsBytes(values.AsSpan()));
                if (!BitConverter.IsLittleEndian)
                    BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<float, int>(values),
                        MemoryMarshal.Cast<float, int>(values.AsSpan()));
                break;
            case ValueFormat.BF16:
                for (var i = 0; i < count; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]) << 16);
                break;
            case ValueFormat.F16:
                for (var i = 0; i < count; i++)
                    values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(source[(2 * i)..]);
                break;
            default:
                BlockQuantizer.Decode(source, format == ValueFormat.Q8 ? 8 : 4, values);
                break;
        }

        return values;
    }

    /// <summary>Round to nearest, ties to even; what is finite stays finite, at most the largest bfloat16.</summary>
    private static ushort BFloat(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
        return (ushort)(float.IsFinite(value) && (rounded & 0x7F80) == 0x7F80 ? rounded - 1 : rounded);
    }
}
