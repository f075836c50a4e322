using System.Numerics;
using System.Runtime.InteropServices;

namespace FedLora.Privacy.Numerics;

/// <summary>
/// The discrete Fourier transform F_j = sum_k x_k exp(-2 pi i jk/N) for N a power of two, by Stockham's self-sorting radix-2 scheme
/// with tabulated twiddle factors, two stages in one pass over memory.
/// Every input reaches every output along one path of log2 N products and sums, which
/// bounds the rounding error of each output.
/// </summary>
internal sealed class Fft
{
    private const int Large = 1 << 16;

    private readonly double[] _cosines;
    private readonly double[] _sines;
    private readonly double[] _scratchRe;
    private readonly double[] _scratchIm;

    /// <param name="size">N, a power of two from 2 on.</param>
    public Fft(int size)
    {
        if (size < 2 || !BitOperations.IsPow2(size))
            throw new ArgumentOutOfRangeException(nameof(size), size, "A power of two from 2 on.");
        Size = size;
        Tidy(size);
        (_cosines, _sines, _scratchRe, _scratchIm) = (new double[size / 2], new double[size / 2], new double[size], new double[size]);
        Tabulate();
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
        double[] fromRe = real, fromIm = imaginary, toRe = _scratchRe, toIm = _scratchIm;
        var stride = 1;
        for (; 4 * stride <= Size; stride *= 4)
        {
            var quarter = Size / stride / 4;
            for (var p = 0; p < quarter; p++)
                Fourfold(fromRe, fromIm, toRe, toIm, stride, quarter, p);
            (fromRe, fromIm, toRe, toIm) = (toRe, toIm, fromRe, fromIm);
        }
        if (stride < Size)
        {
            Last(fromRe, fromIm, toRe, toIm);
            (fromRe, fromIm, toRe, toIm) = (toRe, toIm, fromRe, fromIm);
        }
        if (!ReferenceEquals(fromRe, real))
        {
            fromRe.CopyTo(real, 0);
            fromIm.CopyTo(imaginary, 0);
        }
    }

    /// <summary>The first eighth of the circle, and the rest by symmetry.</summary>
    private void Tabulate()
    {
        int half = Size / 2, quarter = Size / 4;
        for (var j = 0; 8 * j <= Size; j++)
        {
            var (sin, cos) = Math.SinCos(2 * Math.PI * j / Size);
            (_cosines[j], _sines[j]) = (cos, -sin);
            if (j > 0)
                (_cosines[half - j], _sines[half - j]) = (-cos, -sin);
            if (Size >= 4)
                (_cosines[quarter - j], _sines[quarter - j], _cosines[quarter + j], _sines[quarter + j]) = (sin, -cos, -sin, -cos);
        }
    }

    /// <summary>Stages of <paramref name="stride"/> and twice that, for the columns p and p + quarter of the first.</summary>
    private void Fourfold(double[] fromRe, double[] fromIm, double[] toRe, double[] toIm, int stride, int quarter, int p)
    {
        double uRe = _cosines[p * stride], uIm = _sines[p * stride], wRe = _cosines[2 * p * stride], wIm = _sines[2 * p * stride];
        double vRe = _cosines[(p + quarter) * stride], vIm = _sines[(p + quarter) * stride];
        int a = stride * p, next = stride * quarter, to = 4 * stride * p, q = 0;
        if (stride >= Vector<double>.Count)
        {
            ref var fr = ref MemoryMarshal.GetArrayDataReference(fromRe);
            ref var fi = ref MemoryMarshal.GetArrayDataReference(fromIm);
            ref var tr = ref MemoryMarshal.GetArrayDataReference(toRe);
            ref var ti = ref MemoryMarshal.GetArrayDataReference(toIm);
            Vector<double> uR = new(uRe), uI = new(uIm), vR = new(vRe), vI = new(vIm), wR = new(wRe), wI = new(wIm);
            for (; q < stride; q += Vector<double>.Count)
            {
                nuint from = (nuint)(a + q), span = (nuint)next, at = (nuint)(to + q), wide = (nuint)stride;
                var (aRe, aIm) = (Vector.LoadUnsafe(ref fr, from), Vector.LoadUnsafe(ref fi, from));
                var (bRe, bIm) = (Vector.LoadUnsafe(ref fr, from + span), Vector.LoadUnsafe(ref fi, from + span));
                var (cRe, cIm) = (Vector.LoadUnsafe(ref fr, from + 2 * span), Vector.LoadUnsafe(ref fi, from + 2 * span));
                var (dRe, dIm) = (Vector.LoadUnsafe(ref fr, from + 3 * span), Vector.LoadUnsafe(ref fi, from + 3 * span));
                var (evenRe, evenIm, otherRe, otherIm) = (aRe + cRe, aIm + cIm, bRe + dRe, bIm + dIm);
                (aRe, aIm, bRe, bIm) = (aRe - cRe, aIm - cIm, bRe - dRe, bIm - dIm);
                (cRe, cIm) = (aRe * uR - aIm * uI, aRe * uI + aIm * uR);
                (dRe, dIm) = (bRe * vR - bIm * vI, bRe * vI + bIm * vR);
                Vector.StoreUnsafe(evenRe + otherRe, ref tr, at);
                Vector.StoreUnsafe(evenIm + otherIm, ref ti, at);
                Vector.StoreUnsafe(cRe + dRe, ref tr, at + wide);
                Vector.StoreUnsafe(cIm + dIm, ref ti, at + wide);
                (aRe, aIm, bRe, bIm) = (evenRe - otherRe, evenIm - otherIm, cRe - dRe, cIm - dIm);
                Vector.StoreUnsafe(aRe * wR - aIm * wI, ref tr, at + 2 * wide);
                Vector.StoreUnsafe(aRe * wI + aIm * wR, ref ti, at + 2 * wide);
                Vector.StoreUnsafe(bRe * wR - bIm * wI, ref tr, at + 3 * wide);
                Vector.StoreUnsafe(bRe * wI + bIm * wR, ref ti, at + 3 * wide);
            }
            return;
        }
        for (; q < stride; q++)
        {
            double aRe = fromRe[a + q], aIm = fromIm[a + q], bRe = fromRe[a + next + q], bIm = fromIm[a + next + q];
            double cRe = fromRe[a + (2 * next) + q], cIm = fromIm[a + (2 * next) + q];
            double dRe = fromRe[a + (3 * next) + q], dIm = fromIm[a + (3 * next) + q];
            var (evenRe, evenIm, otherRe, otherIm) = (aRe + cRe, aIm + cIm, bRe + dRe, bIm + dIm);
            (aRe, aIm, bRe, bIm) = (aRe - cRe, aIm - cIm, bRe - dRe, bIm - dIm);
            (cRe, cIm) = (aRe * uRe - aIm * uIm, aRe * uIm + aIm * uRe);
            (dRe, dIm) = (bRe * vRe - bIm * vIm, bRe * vIm + bIm * vRe);
            (toRe[to + q], toIm[to + q]) = (evenRe + otherRe, evenIm + otherIm);
            (toRe[to + stride + q], toIm[to + stride + q]) = (cRe + dRe, cIm + dIm);
            (aRe, aIm, bRe, bIm) = (evenRe - otherRe, evenIm - otherIm, cRe - dRe, cIm - dIm);
            (toRe[to + 2 * stride + q], toIm[to + 2 * stride + q]) = (aRe * wRe - aIm * wIm, aRe * wIm + aIm * wRe);
            (toRe[to + 3 * stride + q], toIm[to + 3 * stride + q]) = (bRe * wRe - bIm * wIm, bRe * wIm + bIm * wRe);
        }
    }

    /// <summary>The stage that is left where log2 N is odd: its one twiddle factor is 1.</summary>
    private void Last(double[] fromRe, double[] fromIm, double[] toRe, double[] toIm)
    {
        var half = Size / 2;
        for (var q = 0; q < half; q++)
        {
            (toRe[q], toIm[q]) = (fromRe[q] + fromRe[q + half], fromIm[q] + fromIm[q + half]);
            (toRe[q + half], toIm[q + half]) = (fromRe[q] - fromRe[q + half], fromIm[q] - fromIm[q + half]);
        }
    }
}
