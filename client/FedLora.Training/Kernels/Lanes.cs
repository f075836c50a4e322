using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FedLora.Training.Kernels;

/// <summary>Sixteen numbers at once: reading and writing float32 and bfloat16, and the exponential.</summary>
internal static unsafe class Lanes
{
    /// <summary>Numbers in one vector.</summary>
    public const int Width = 16;

    /// <summary>Sixteen numbers from a place in a row of float32 or bfloat16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(void* row, bool narrow, long place)
    {
        if (!narrow)
            return Vector512.Load((float*)row + place);
        var half = Vector256.Load((ushort*)row + place);
        var wide = Avx512F.IsSupported ? Avx512F.ConvertToVector512UInt32(half)
            : Vector512.Create(Vector256.WidenLower(half), Vector256.WidenUpper(half));
        return Vector512.ShiftLeft(wide, 16).AsSingle();
    }

    /// <summary>Writes sixteen numbers; to bfloat16 rounded to the nearest, ties to even. NaN stays NaN, infinity infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, void* row, bool narrow, long place)
    {
        if (!narrow)
        {
            Vector512.Store(value, (float*)row + place);
            return;
        }
        var bits = value.AsUInt32();
        var rounded = Vector512.ShiftRightLogical(
            bits + Vector512.Create(0x7FFFu) + (Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One), 16);
        var kept = Vector512.ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), rounded, Vector512.Create(0x7FC0u));
        Vector256.Store(Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(kept) : Vector256.Narrow(kept.GetLower(), kept.GetUpper()),
            (ushort*)row + place);
    }

    /// <summary>The highest of sixteen numbers. A NaN among them may or may not be the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Highest(Vector512<float> values)
    {
        var eight = Vector256.MaxNative(values.GetLower(), values.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }

    /// <summary>One number of a row.</summary>
    public static float Load1(void* row, bool narrow, long place) =>
        narrow ? BitConverter.UInt32BitsToSingle((uint)((ushort*)row)[place] << 16) : ((float*)row)[place];

    /// <summary>Writes one number.</summary>
    public static void Store1(float value, void* row, bool narrow, long place)
    {
        if (!narrow)
        {
            ((float*)row)[place] = value;
            return;
        }
        var bits = BitConverter.SingleToUInt32Bits(value);
        ((ushort*)row)[place] = float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>
    /// e^x within 2 units in the last place; 0 below -87.3, infinity's neighbourhood cut at 88.7 (Cephes' expf: e^x = 2^n e^r with |r| at
    /// most ln(2) / 2). NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        const float least = -87.3f, most = 88.7f;
        var held = Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512.Create(most)), Vector512.Create(most), x);
        var n = Vector512.Round(held * Vector512.Create(1.44269504f));
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), held);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        var y = Vector512.FusedMultiplyAdd(p, r * r, r) + Vector512<float>.One;
        var power = Avx512F.IsSupported ? Avx512F.Scale(y, n)
            : y * Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n) + Vector512.Create(127), 23).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(least)), Vector512<float>.Zero, power);
    }
}
