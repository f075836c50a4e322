using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// The transforms phi_j of one mechanism's tilted upper and lower grid, at the frequencies that matter. Both grids are real, so one complex
/// transform yields both.
/// </summary>
internal sealed class Spectrum
{
    private Spectrum(Branch upper, Branch lower, double error) => (Upper, Lower, Error) = (upper, lower, error);

    public Branch Upper { get; }

    public Branch Lower { get; }

    /// <summary>A bound on the rounding error of every phi_j.</summary>
    public double Error { get; }

    /// <summary>Transforms two tilted grids.</summary>
    public static Spectrum Of(TiltedGrid upper, TiltedGrid lower, Fft fft)
    {
        var (re, im) = (new double[fft.Size], new double[fft.Size]);
        upper.AddTo(re);
        lower.AddTo(im);
        fft.Forward(re, im);
        var (n, half) = (fft.Size, fft.Size / 2);
        var (up, low) = (new Branch(upper, half + 1), new Branch(lower, half + 1));
        for (var j = 0; j <= half; j++)
        {
            var k = (n - j) & (n - 1);
            up.Set(j, (re[j] + re[k]) / 2, (im[j] - im[k]) / 2);
            low.Set(j, (im[j] + im[k]) / 2, (re[k] - re[j]) / 2);
        }
        return new Spectrum(up, low, 2 * fft.RelativeError);
    }

    /// <summary>One grid's transform in polar form, so that any power of it costs the same.</summary>
    internal sealed class Branch(TiltedGrid grid, int size)
    {
        public TiltedGrid Grid { get; } = grid;

        /// <summary>log |phi_j|, at most 0.</summary>
        public double[] LogModulus { get; private set; } = new double[size];

        /// <summary>The argument of phi_j.</summary>
        public double[] Phase { get; private set; } = new double[size];

        public void Set(int j, double re, double im) =>
            (LogModulus[j], Phase[j]) = (Math.Min(0, Math.Log(re * re + im * im) / 2), Math.Atan2(im, re));

        /// <summary>Forgets the frequencies that are not listed.</summary>
        public void Keep(int[] frequencies)
        {
            LogModulus = Array.ConvertAll(frequencies, j => LogModulus[j]);
            Phase = Array.ConvertAll(frequencies, j => Phase[j]);
        }
    }
}
