namespace FedLora.Adapters;

/// <summary>Number types of safetensors that are read here.</summary>
public enum SafetensorsDtype { Bool, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64 }

/// <summary>Where a tensor lies in a safetensors file.</summary>
/// <param name="Shape">Sizes, outermost first; none for a scalar.</param>
/// <param name="Start">First byte, counted from the end of the header.</param>
/// <param name="ByteCount">Length in bytes.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsDtype Dtype, long[] Shape, long Start, long ByteCount)
{
    /// <summary>Bytes of one number of a type.</summary>
    public static int SizeOf(SafetensorsDtype dtype) => dtype switch
    {
        SafetensorsDtype.Bool or SafetensorsDtype.U8 or SafetensorsDtype.I8 => 1,
        SafetensorsDtype.U16 or SafetensorsDtype.I16 or SafetensorsDtype.F16 or SafetensorsDtype.BF16 => 2,
        SafetensorsDtype.U32 or SafetensorsDtype.I32 or SafetensorsDtype.F32 => 4,
        _ => 8,
    };

    /// <summary>How many numbers it holds.</summary>
    public long ElementCount => ByteCount / SizeOf(Dtype);

    /// <summary>The shape, for tensors that fit a .NET array.</summary>
    public int[] IntShape() => ElementCount <= Array.MaxLength
        ? Array.ConvertAll(Shape, size => checked((int)size))
        : throw new FedLoraException("safetensors-too-large", $"Tensor '{Name}' holds {ElementCount} numbers, too many for one array.",
            "Read it in parts by its address.");
}
