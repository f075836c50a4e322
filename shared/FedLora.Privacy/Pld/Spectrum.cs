namespace FedLora.Privacy.Pld;

/// <summary>
/// The transform phi_j of one mechanism's tilted grid at the frequencies that matter, in polar form, so that any power of it costs the
/// same.
/// </summary>
/// <param name="Grid">What bounds the tilted grid's sums.</param>
/// <param name="Error">A bound on the rounding error of every phi_j.</param>
internal sealed record Spectrum(TiltedGrid Grid, double Error)
{
    /// <summary>log |phi_j|, at most 0.</summary>
    public double[] LogModulus { get; private set; } = [];

    /// <summary>The argument of phi_j.</summary>
    public double[] Phase { get; private set; } = [];

    /// <summary>
    /// Reads its part of a transform that holds this grid and another: both are real, so one complex transform yields both.
    /// </summary>
    /// <param name="re">The transform of (first + i second), real parts.</param>
    /// <param name="im">Imaginary parts.</param>
    /// <param name="isSecond">Which one this is.</param>
    /// <param name="indices">At which j.</param>
    public void Read(double[] re, double[] im, bool isSecond, int[] indices)
    {
        (LogModulus, Phase) = (new double[indices.Length], new double[indices.Length]);
        for (var i = 0; i < indices.Length; i++)
        {
            var (j, k) = (indices[i], (re.Length - indices[i]) & (re.Length - 1));
            var (x, y) = isSecond ? (im[j] + im[k], re[k] - re[j]) : (re[j] + re[k], im[j] - im[k]);
            (LogModulus[i], Phase[i]) = (Math.Min(0, Math.Log((x * x + y * y) / 4) / 2), Math.Atan2(y, x));
        }
    }

    /// <summary>Forgets all but these places.</summary>
    public void Keep(int[] places)
    {
        LogModulus = Array.ConvertAll(places, i => LogModulus[i]);
        Phase = Array.ConvertAll(places, i => Phase[i]);
    }
}
