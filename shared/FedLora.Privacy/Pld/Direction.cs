using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// One direction of neighbouring for a fixed set of mechanisms: the transforms of their tilted grids, from which delta at any epsilon, for
/// any number of steps near those it was built for, is one sum over the frequencies that have not died out.
/// </summary>
/// <param name="course">This direction's estimate and window.</param>
/// <param name="step">The grids' h.</param>
/// <param name="size">The transform's size.</param>
internal sealed class Direction(Course course, double step, int size)
{
    private readonly List<Spectrum> _upper = [];
    private readonly List<Spectrum> _lower = [];
    private readonly Frequencies _upperFrequencies = new(size);
    private readonly Frequencies _lowerFrequencies = new(size);

    /// <summary>Tilts and transforms one more mechanism's grids.</summary>
    /// <param name="upperGrid">In this direction.</param>
    /// <param name="lowerGrid">In this direction, of the same h.</param>
    /// <param name="fft">The transform.</param>
    /// <param name="re">Room of the transform's size, overwritten.</param>
    /// <param name="im">The same.</param>
    /// <param name="atLeast">No fewer steps of it than these will be asked about.</param>
    public void Add(LossGrid upperGrid, LossGrid lowerGrid, Fft fft, double[] re, double[] im, long atLeast)
    {
        Array.Clear(re);
        Array.Clear(im);
        var error = 2 * fft.RelativeError;
        var above = new Spectrum(new TiltedGrid(upperGrid, course.Saddle.Tilt, course.Up.Tilt, course.Down.Tilt, re), error);
        var below = new Spectrum(new TiltedGrid(lowerGrid, course.Saddle.Tilt, course.Up.Tilt, course.Down.Tilt, im), error);
        fft.Forward(re, im);
        Take(above, _upper, _upperFrequencies, isSecond: false);
        Take(below, _lower, _lowerFrequencies, isSecond: true);

        void Take(Spectrum spectrum, List<Spectrum> known, Frequencies frequencies, bool isSecond)
        {
            var places = frequencies.Living(re, im, isSecond, error, atLeast);
            foreach (var each in known)
                each.Keep(places);
            spectrum.Read(re, im, isSecond, frequencies.Indices);
            known.Add(spectrum);
            places = frequencies.Multiply(spectrum.LogModulus, error, atLeast);
            foreach (var each in known)
                each.Keep(places);
        }
    }

    /// <summary>The tail of the upper grid's sum of losses after these steps.</summary>
    public Tail Upper(IReadOnlyList<long> steps) => new(_upperFrequencies, _upper, steps, course, step);

    /// <summary>The tail of the lower grid's.</summary>
    public Tail Lower(IReadOnlyList<long> steps) => new(_lowerFrequencies, _lower, steps, course, step);

    /// <summary>A first guess at epsilon.</summary>
    public double Guess => course.Saddle.Epsilon;

    /// <summary>How many numbers it holds.</summary>
    public long Held => 2L * _upper.Count * (_upperFrequencies.Indices.Length + _lowerFrequencies.Indices.Length);
}
