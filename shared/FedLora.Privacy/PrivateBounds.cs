namespace FedLora.Privacy;

/// <summary>
/// Between which numbers private training is what it says in floating point. Clipped sum and noise are made and added in double precision
/// (53 bits, u = 2^-53), and only their sum is rounded to single precision, which is post-processing. With n examples in a step, C the
/// clipping norm and sigma the noise multiplier: the sum errs by at most n^2 u C, which the hair by which gradients are clipped below C
/// (1e-6 C) covers up to n = 94,000; neighbouring doubles at the size of the sum, n C, are 2 n u C apart, so that at sigma >= 0.02 and n =
/// 10^6 a standard deviation of noise still holds 10^8 of them; the noised mean, at least sigma C / batch in size, is 2 * 10^-14 or more
/// and at most 10^13, where single precision has all its 24 bits (1.2e-38 to 3.4e38). q is rounded down to a multiple of 2^-53 by the
/// sampler. A learning rate only scales what has been noised.
/// </summary>
public static class PrivateBounds
{
    /// <summary>The least clipping norm, and</summary>
    public const double LeastClip = 1e-6;

    /// <summary>the greatest.</summary>
    public const double MostClip = 1e6;

    /// <summary>The least noise multiplier, and</summary>
    public const double LeastNoise = 0.02;

    /// <summary>the greatest.</summary>
    public const double MostNoise = 1e6;

    /// <summary>The least sampling rate: a rarer example is never drawn.</summary>
    public const double LeastRate = 1e-12;

    /// <summary>The least learning rate: with a smaller one nothing moves in single precision.</summary>
    public const double LeastLearningRate = 1e-12;

    /// <summary>Refuses what is outside, whoever asks for it: a coordinator's terms are the site's to check.</summary>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>.</exception>
    public static void Require(double clipNorm, double noiseMultiplier, double samplingRate)
    {
        Require(clipNorm, LeastClip, MostClip, "clipping norm");
        Require(noiseMultiplier, LeastNoise, MostNoise, "noise multiplier");
        Require(samplingRate, LeastRate, 1, "sampling rate");
    }

    private static void Require(double value, double least, double most, string what)
    {
        if (!(value >= least && value <= most))
            throw SampledGaussian.Invalid($"private training cannot run with a {what} of {value}",
                $"Floating point keeps its promise from {least} to {most}.");
    }
}
