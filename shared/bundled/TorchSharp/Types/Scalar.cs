using System.Numerics;
using TorchSharp.Interop;

namespace TorchSharp;

/// <summary>A number with its type, as operators take it. Holds no native memory.</summary>
public sealed class Scalar : IDisposable
{
    internal Scalar(torch.ScalarType type, Arg argument, object value) => (Type, Argument, Value) = (type, argument, value);

    internal Arg Argument { get; }

    internal object Value { get; }

    public torch.ScalarType Type { get; }

    public static implicit operator Scalar(byte value) => value.ToScalar();

    public static implicit operator Scalar(sbyte value) => value.ToScalar();

    public static implicit operator Scalar(short value) => value.ToScalar();

    public static implicit operator Scalar(int value) => value.ToScalar();

    public static implicit operator Scalar(long value) => value.ToScalar();

    public static implicit operator Scalar(Half value) => value.ToScalar();

    public static implicit operator Scalar(BFloat16 value) => value.ToScalar();

    public static implicit operator Scalar(float value) => value.ToScalar();

    public static implicit operator Scalar(double value) => value.ToScalar();

    public static implicit operator Scalar(bool value) => value.ToScalar();

    public static implicit operator Scalar((float, float) value) => value.ToScalar();

    public static implicit operator Scalar(Complex value) => value.ToScalar();

    public void Dispose()
    {
    }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => new(torch.ScalarType.Int64, (long)value, (long)value);

    public static Scalar ToScalar(this sbyte value) => new(torch.ScalarType.Int64, (long)value, (long)value);

    public static Scalar ToScalar(this short value) => new(torch.ScalarType.Int64, (long)value, (long)value);

    public static Scalar ToScalar(this int value) => new(torch.ScalarType.Int64, (long)value, (long)value);

    public static Scalar ToScalar(this long value) => new(torch.ScalarType.Int64, value, value);

    public static Scalar ToScalar(this float value) => new(torch.ScalarType.Float64, (double)value, (double)value);

    public static Scalar ToScalar(this double value) => new(torch.ScalarType.Float64, value, value);

    public static Scalar ToScalar(this (float, float) value) => ToScalar(new Complex(value.Item1, value.Item2));

    public static Scalar ToScalar(this Complex value) => new(torch.ScalarType.ComplexFloat64, Arg.OfComplex(value.Real, value.Imaginary), value);

    public static Scalar ToScalar(this bool value) => new(torch.ScalarType.Bool, value, value);

    public static Scalar ToScalar(this Half value) => ToScalar((double)value);

    public static Scalar ToBFloat16Scalar(this float value) => ToScalar(new BFloat16(value));

    public static Scalar ToScalar(this BFloat16 value) => ToScalar((double)value.ToSingle());

    public static Half ToHalf(this Scalar value) => (Half)value.ToDouble();

    public static BFloat16 ToBFloat16(this Scalar value) => new(value.ToSingle());

    public static float ToSingle(this Scalar value) => (float)value.ToDouble();

    public static double ToDouble(this Scalar value) => value.Value is Complex complex ? complex.Real : Convert.ToDouble(value.Value);

    public static sbyte ToSByte(this Scalar value) => (sbyte)value.ToInt64();

    public static byte ToByte(this Scalar value) => (byte)value.ToInt64();

    public static short ToInt16(this Scalar value) => (short)value.ToInt64();

    public static int ToInt32(this Scalar value) => (int)value.ToInt64();

    public static long ToInt64(this Scalar value) => value.Value switch
    {
        long integer => integer,
        bool truth => truth ? 1 : 0,
        _ => (long)value.ToDouble(),
    };

    public static bool ToBoolean(this Scalar value) => value.Value is bool truth ? truth : value.ToDouble() != 0;

    public static (float Real, float Imaginary) ToComplexFloat32(this Scalar value)
    {
        var complex = value.ToComplexFloat64();
        return ((float)complex.Real, (float)complex.Imaginary);
    }

    public static Complex ToComplexFloat64(this Scalar value) => value.Value is Complex complex ? complex : new Complex(value.ToDouble(), 0);
}
