using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FedLora.Aggregation;

/// <content>Between float32 and float64, rows and columns.</content>
internal static partial class Vectors
{
    /// <summary>Rounds to the nearest float32.</summary>
    public static float[] Round(ReadOnlySpan<double> values)
    {
        // Every entry is written: clearing large memory first costs as much again.
        var rounded = GC.AllocateUninitializedArray<float>(values.Length);
        Narrow(values, rounded);
        return rounded;
    }

    /// <inheritdoc cref="Round"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(ReadOnlySpan<double> values, Span<float> rounded)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(rounded[..values.Length]);
        var i = 0;
        for (; i <= values.Length - Lanes; i += Lanes)
            Vector256.Narrow(Vector256.LoadUnsafe(ref x, (nuint)i), Vector256.LoadUnsafe(ref x, (nuint)i + 4)).StoreUnsafe(ref y, (nuint)i);
        for (; i < values.Length; i++)
            rounded[i] = (float)values[i];
    }

    /// <summary>Rounds to the nearest float32 in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RoundToSingle(Span<double> values)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var i = 0;
        for (; i <= values.Length - (2 * Lanes); i += 2 * Lanes)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Narrow(Load(ref x, i), Load(ref x, i + Lanes)));
            lower.StoreUnsafe(ref x, (nuint)i);
            upper.StoreUnsafe(ref x, (nuint)(i + Lanes));
        }
        for (; i < values.Length; i++)
            values[i] = (float)values[i];
    }

    /// <summary>float32 as float64, exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(ReadOnlySpan<float> values, Span<double> wide)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        ref var y = ref MemoryMarshal.GetReference(wide[..values.Length]);
        var i = 0;
        for (; i <= values.Length - (2 * Lanes); i += 2 * Lanes)
        {
            var (lower, upper) = Vector512.Widen(Vector512.LoadUnsafe(ref x, (nuint)i));
            lower.StoreUnsafe(ref y, (nuint)i);
            upper.StoreUnsafe(ref y, (nuint)(i + Lanes));
        }
        for (; i < values.Length; i++)
            wide[i] = values[i];
    }

    /// <summary>
    /// Columns, one after the other, become rows, one after the other, rounded where the type asks for it. (Rows to columns: with the
    /// counts swapped.)
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose<TFrom, TTo>(ReadOnlySpan<TFrom> from, Span<TTo> to, int rows, int columns)
        where TFrom : unmanaged, INumberBase<TFrom>
        where TTo : unmanaged, INumberBase<TTo>
    {
        ref var x = ref MemoryMarshal.GetReference(from[..(rows * columns)]);
        ref var y = ref MemoryMarshal.GetReference(to[..(rows * columns)]);
        // Eight lines at a time, so that all stay in the nearest cache.
        for (var i = 0; i < rows; i += Lanes)
        {
            var last = Math.Min(rows, i + Lanes);
            for (var j = 0; j < columns; j++)
            {
                for (var k = i; k < last; k++)
                    Unsafe.Add(ref y, (k * columns) + j) = TTo.CreateTruncating(Unsafe.Add(ref x, (j * rows) + k));
            }
        }
    }
}
