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
            var (x, y) = TwiceAt(re, im, isSecond, indices[i]);
            (LogModulus[i], Phase[i]) = (Math.Min(0, Math.Log((x * x + y * y) / 4) / 2), Math.Atan2(y, x));
        }
    }

    /// <summary>Twice phi_j, from the transform of (first + i second).</summary>
    public static (double Re, double Im) TwiceAt(double[] re, double[] im, bool isSecond, int j)
    {
        var k = (re.Length - j) & (re.Length - 1);
        return isSecond ? (im[j] + im[k], re[k] - re[j]) : (re[j] + re[k], im[j] - im[k]);
    }

    /// <summary>Forgets all but these places.</summary>
    public void Keep(int[] places)
    {
        if (places.Length < LogModulus.Length)
            (LogModulus, Phase) = (Array.ConvertAll(places, i => LogModulus[i]), Array.ConvertAll(places, i => Phase[i]));
    }
}
