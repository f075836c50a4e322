using System.Numerics;
using static TorchSharp.torch;

namespace TorchSharp;

public static class TensorExtensionMethods
{
    public static Modules.Parameter AsParameter(this Tensor tensor) => new(tensor);

    public static int ElementSize(this ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool or ScalarType.QInt8 or ScalarType.QUInt8 => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 or ScalarType.QInt32 => 4,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => throw new NotImplementedException($"The size of {type}"),
    };

    public static Half ToHalf(this Tensor value) => Read(value).ToHalf();

    public static BFloat16 ToBFloat16(this Tensor value) => Read(value).ToBFloat16();

    public static float ToSingle(this Tensor value) => Read(value).ToSingle();

    public static double ToDouble(this Tensor value) => Read(value).ToDouble();

    public static sbyte ToSByte(this Tensor value) => Read(value).ToSByte();

    public static byte ToByte(this Tensor value) => Read(value).ToByte();

    public static short ToInt16(this Tensor value) => Read(value).ToInt16();

    public static int ToInt32(this Tensor value) => Read(value).ToInt32();

    public static long ToInt64(this Tensor value) => Read(value).ToInt64();

    public static bool ToBoolean(this Tensor value) => Read(value).ToBoolean();

    public static Complex ToComplexFloat64(this Tensor value) => Read(value).ToComplexFloat64();

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (product, length) => product * length);

    private static Scalar Read(Tensor value) => value.NumberOfElements == 1
        ? value.ToScalar()
        : throw new ArgumentException("Only one element tensors can be converted to scalars");
}
