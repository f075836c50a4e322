namespace FedLora.Training.Privacy;

/// <summary>
/// Standard normal numbers by Box and Muller (1958): with u, v uniform, sqrt(-2 log(1-u)) (cos, sin)(2 pi v). In double precision with 53 bits of u the tails reach
/// 8.5 standard deviations, beyond which lies a mass of 1e-17.
/// </summary>
internal sealed class GaussianNoise(IRandomSource source)
{
    private readonly IRandomSource _source = RandomSources.Require(source);

    /// <summary>Fills with independent N(0, deviation^2), rounded to single precision once.</summary>
    public void Fill(Span<float> numbers, double deviation)
    {
        Span<double> uniform = stackalloc double[512];
        for (var start = 0; start < numbers.Length; start += uniform.Length)
        {
            var piece = numbers[start..Math.Min(numbers.Length, start + uniform.Length)];
            _source.Uniform(uniform);
            for (var i = 0; i < piece.Length; i += 2)
            {
                var radius = deviation * Math.Sqrt(-2 * Math.Log(1 - uniform[i]));
                var (sin, cos) = Math.SinCos(2 * Math.PI * uniform[i + 1]);
                piece[i] = (float)(radius * cos);
                if (i + 1 < piece.Length)
                    piece[i + 1] = (float)(radius * sin);
            }
        }
    }
}
