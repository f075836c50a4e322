using System.Runtime.Intrinsics;

namespace FedLora.Training.Privacy;

/// <summary>
/// Standard normal numbers by Box and Muller (1958): with u, v uniform, sqrt(-2 log(1-u)) (cos, sin)(2 pi v). In double precision with 53
/// bits of u the tails reach 8.5 standard deviations, beyond which lies a mass of 1e-17.
/// </summary>
internal sealed class GaussianNoise(IRandomSource source)
{
    private const int Pairs = 256;

    private readonly IRandomSource _source = RandomSources.Require(source);

    /// <summary>Fills with independent N(0, deviation^2) in double precision.</summary>
    public void Fill(Span<double> numbers, double deviation)
    {
        Span<double> uniform = stackalloc double[2 * Pairs];
        Span<double> normal = stackalloc double[2 * Pairs];
        for (var start = 0; start < numbers.Length; start += normal.Length)
        {
            var piece = numbers[start..Math.Min(numbers.Length, start + normal.Length)];
            _source.Uniform(uniform);
            Transform(uniform[..Pairs], uniform[Pairs..], deviation, normal);
            normal[..piece.Length].CopyTo(piece);
        }
        // What an example's gradient was hidden with is not left on the stack.
        uniform.Clear();
        normal.Clear();
    }

    /// <summary>Pairs of uniform numbers become pairs of normal ones: the cosines' first, then the sines'.</summary>
    private static void Transform(ReadOnlySpan<double> u, ReadOnlySpan<double> v, double deviation, Span<double> normal)
    {
        var width = Vector512<double>.Count;
        for (var i = 0; i < Pairs; i += width)
        {
            var radius = Vector512.Sqrt(Vector512.Create(-2.0) * Vector512.Log(Vector512<double>.One - Vector512.Create(u[i..])))
                * deviation;
            var (sin, cos) = Vector512.SinCos(Vector512.Create(v[i..]) * (2 * Math.PI));
            (radius * cos).CopyTo(normal[i..]);
            (radius * sin).CopyTo(normal[(Pairs + i)..]);
        }
    }
}
