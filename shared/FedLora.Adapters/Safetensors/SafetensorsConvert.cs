using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace FedLora.Adapters;

/// <summary>Turns raw little-endian bytes into float32. Integers and float64 are rounded to the nearest float32.</summary>
public static class SafetensorsConvert
{
    /// <param name="entry">Its <see cref="SafetensorsEntry.Dtype"/> says what the bytes are.</param>
    /// <param name="bytes">Raw values, any whole number of them.</param>
    /// <param name="values">As many float32.</param>
    public static void ToFloats(SafetensorsEntry entry, ReadOnlySpan<byte> bytes, Span<float> values) =>
        ToFloats(entry.Dtype, bytes, values);

    /// <inheritdoc cref="ToFloats(SafetensorsEntry, ReadOnlySpan{byte}, Span{float})"/>
    public static void ToFloats(SafetensorsDtype dtype, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        if (bytes.Length != (long)values.Length * SafetensorsEntry.SizeOf(dtype))
            throw new ArgumentException($"{bytes.Length} bytes of {dtype} are not {values.Length} numbers.", nameof(values));
        switch (dtype)
        {
            case SafetensorsDtype.F32: bytes.CopyTo(MemoryMarshal.AsBytes(values)); break;
            case SafetensorsDtype.F16: TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), values); break;
            case SafetensorsDtype.BF16: FromBFloat16(MemoryMarshal.Cast<byte, ushort>(bytes), values); break;
            case SafetensorsDtype.F64:
                TensorPrimitives.ConvertTruncating<double, float>(MemoryMarshal.Cast<byte, double>(bytes), values); break;
            case SafetensorsDtype.Bool or SafetensorsDtype.U8: TensorPrimitives.ConvertTruncating<byte, float>(bytes, values); break;
            case SafetensorsDtype.I8:
                TensorPrimitives.ConvertTruncating<sbyte, float>(MemoryMarshal.Cast<byte, sbyte>(bytes), values); break;
            case SafetensorsDtype.U16:
                TensorPrimitives.ConvertTruncating<ushort, float>(MemoryMarshal.Cast<byte, ushort>(bytes), values); break;
            case SafetensorsDtype.I16:
                TensorPrimitives.ConvertTruncating<short, float>(MemoryMarshal.Cast<byte, short>(bytes), values); break;
            case SafetensorsDtype.U32:
                TensorPrimitives.ConvertTruncating<uint, float>(MemoryMarshal.Cast<byte, uint>(bytes), values); break;
            case SafetensorsDtype.I32: TensorPrimitives.ConvertTruncating<int, float>(MemoryMarshal.Cast<byte, int>(bytes), values); break;
            case SafetensorsDtype.U64:
                TensorPrimitives.ConvertTruncating<ulong, float>(MemoryMarshal.Cast<byte, ulong>(bytes), values); break;
            case SafetensorsDtype.I64:
                TensorPrimitives.ConvertTruncating<long, float>(MemoryMarshal.Cast<byte, long>(bytes), values); break;
            default: throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null);
        }
    }

    // A bfloat16 is the upper half of a float32.
    private static void FromBFloat16(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        TensorPrimitives.ConvertTruncating<ushort, uint>(halves, bits);
        TensorPrimitives.ShiftLeft<uint>(bits, 16, bits);
    }
}
