using System.Numerics;
using System.Runtime.InteropServices;

namespace FedLora.Privacy.Numerics;

/// <summary>
/// The discrete Fourier transform F_j = sum_k x_k exp(-2 pi i jk/N) for N a power of two, by Stockham's self-sorting radix-2 scheme
/// with tabulated twiddle factors. Every input reaches every output along one path of log2 N products and sums, which
/// bounds the rounding error of each output.
/// </summary>
internal sealed class Fft
{
    private const int Large = 1 << 16;

    private readonly double[] cosines;
    private readonly double[] sines;
    private readonly double[] scratchRe;
    private readonly double[] scratchIm;

    /// <param name="size">N, a power of two from 2 on.</param>
    public Fft(int size)
    {
        if (size < 2 || !BitOperations.IsPow2(size))
            throw new ArgumentOutOfRangeException(nameof(size), size, "A power of two from 2 on.");
        Size = size;
        Tidy(size);
        (cosines, sines, scratchRe, scratchIm) = (new double[size / 2], new double[size / 2], new double[size], new double[size]);
        for (var j = 0; j < size / 2; j++)
            (sines[j], cosines[j]) = Math.SinCos(-2 * Math.PI * j / size);
    }

    /// <summary>N.</summary>
    public int Size { get; }

    /// <summary>
    /// Collects what earlier large grids and transforms left: where there is memory for it, the runtime would let it pile up to gigabytes.
    /// </summary>
    public static void Tidy(int size)
    {
        if (size >= Large)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
    }

    /// <summary>
    /// A bound on |computed F_j - F_j| over sum_k |x_k|, for every j: log2 N stages, each one rounded complex product with a twiddle
    /// factor good to one unit and one rounded sum (Higham, Accuracy and Stability, 2nd ed., lemma 3.5 and section 24.1).
    /// </summary>
    public double RelativeError => BitOperations.Log2((uint)Size) * 8 * Elementary.UnitRoundoff;

    /// <summary>Transforms in place; the arrays hold the real and imaginary parts. One transform at a time.</summary>
    public void Forward(double[] real, double[] imaginary)
    {
        double[] fromRe = real, fromIm = imaginary, toRe = scratchRe, toIm = scratchIm;
        for (int half = Size / 2, stride = 1; half >= 1; half /= 2, stride *= 2)
        {
            for (var p = 0; p < half; p++)
                Butterflies(fromRe, fromIm, toRe, toIm, stride, half, p);
            (fromRe, fromIm, toRe, toIm) = (toRe, toIm, fromRe, fromIm);
        }
        if (!ReferenceEquals(fromRe, real))
        {
            fromRe.CopyTo(real, 0);
            fromIm.CopyTo(imaginary, 0);
        }
    }

    private void Butterflies(double[] fromRe, double[] fromIm, double[] toRe, double[] toIm, int stride, int half, int p)
    {
        double wRe = cosines[p * stride], wIm = sines[p * stride];
        int a = stride * p, b = stride * (p + half), even = stride * 2 * p, odd = even + stride, q = 0;
        if (stride >= Vector<double>.Count)
        {
            var width = Vector<double>.Count;
            var (vRe, vIm) = (new Vector<double>(wRe), new Vector<double>(wIm));
            ref var fr = ref MemoryMarshal.GetArrayDataReference(fromRe);
            ref var fi = ref MemoryMarshal.GetArrayDataReference(fromIm);
            ref var tr = ref MemoryMarshal.GetArrayDataReference(toRe);
            ref var ti = ref MemoryMarshal.GetArrayDataReference(toIm);
            for (; q < stride; q += width)
            {
                var aRe = Vector.LoadUnsafe(ref fr, (nuint)(a + q));
                var aIm = Vector.LoadUnsafe(ref fi, (nuint)(a + q));
                var bRe = Vector.LoadUnsafe(ref fr, (nuint)(b + q));
                var bIm = Vector.LoadUnsafe(ref fi, (nuint)(b + q));
                Vector.StoreUnsafe(aRe + bRe, ref tr, (nuint)(even + q));
                Vector.StoreUnsafe(aIm + bIm, ref ti, (nuint)(even + q));
                var (dRe, dIm) = (aRe - bRe, aIm - bIm);
                Vector.StoreUnsafe(dRe * vRe - dIm * vIm, ref tr, (nuint)(odd + q));
                Vector.StoreUnsafe(dRe * vIm + dIm * vRe, ref ti, (nuint)(odd + q));
            }
            return;
        }
        for (; q < stride; q++)
        {
            double aRe = fromRe[a + q], aIm = fromIm[a + q], bRe = fromRe[b + q], bIm = fromIm[b + q];
            (toRe[even + q], toIm[even + q]) = (aRe + bRe, aIm + bIm);
            var (dRe, dIm) = (aRe - bRe, aIm - bIm);
            (toRe[odd + q], toIm[odd + q]) = (dRe * wRe - dIm * wIm, dRe * wIm + dIm * wRe);
        }
    }
}
