using FedLora.Privacy.Numerics;

namespace FedLora.Privacy.Pld;

/// <summary>
/// One direction of neighbouring for a fixed set of mechanisms: the transforms of their tilted grids, from which delta at any epsilon, for any
/// number of steps near those it was built for, is one sum over the frequencies that have not died out.
/// </summary>
internal sealed class Direction
{
    /// <summary>Frequencies with |phi_1^T_1 phi_2^T_2 ...| below exp of this are left out and bounded.</summary>
    private const double Negligible = -50;

    private readonly Saddle saddle;
    private readonly (double Distance, double Tilt) up;
    private readonly (double Distance, double Tilt) down;
    private readonly IReadOnlyList<Spectrum> spectra;
    private readonly Frequencies upperFrequencies;
    private readonly Frequencies lowerFrequencies;
    private readonly double step;

    private Direction(Saddle saddle, (double, double) up, (double, double) down, IReadOnlyList<Spectrum> spectra, double step, int size, IReadOnlyList<long> atLeast)
    {
        (this.saddle, this.up, this.down, this.spectra, this.step) = (saddle, up, down, spectra, step);
        upperFrequencies = Frequencies.Select([.. spectra.Select(s => (s.Upper, s.Error))], atLeast, size, Negligible);
        lowerFrequencies = Frequencies.Select([.. spectra.Select(s => (s.Lower, s.Error))], atLeast, size, Negligible);
    }

    /// <summary>The transform size that a direction needs at a grid step.</summary>
    public static long SizeFor(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, Saddle saddle, double step)
    {
        var (up, down) = Reach(parts, saddle);
        return (long)Math.Ceiling((up.Distance + down.Distance) / step) + 8;
    }

    /// <summary>Tilts and transforms the grids.</summary>
    /// <param name="parts">The cumulants of the mechanisms in this direction and the steps to build for.</param>
    /// <param name="saddle">This direction's estimate.</param>
    /// <param name="grids">The mechanisms' upper and lower grids in this direction, of one step h.</param>
    /// <param name="fft">The transform.</param>
    /// <param name="atLeast">No fewer steps than these will be asked about.</param>
    public static Direction Build(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, Saddle saddle, IReadOnlyList<(LossGrid Upper, LossGrid Lower)> grids, Fft fft, IReadOnlyList<long> atLeast)
    {
        var (up, down) = Reach(parts, saddle);
        var transformed = grids.Select(grid => Spectrum.Of(
            new TiltedGrid(grid.Upper, saddle.Tilt, up.Tilt, down.Tilt), new TiltedGrid(grid.Lower, saddle.Tilt, up.Tilt, down.Tilt), fft)).ToList();
        return new Direction(saddle, up, down, transformed, grids[0].Upper.Step, fft.Size, atLeast);
    }

    /// <summary>The tail of the upper grid's sum of losses after these steps.</summary>
    public Tail Upper(IReadOnlyList<long> steps) => new(upperFrequencies, [.. spectra.Select(s => (s.Upper, s.Error))], steps, saddle.Tilt, step, up, down);

    /// <summary>The tail of the lower grid's.</summary>
    public Tail Lower(IReadOnlyList<long> steps) => new(lowerFrequencies, [.. spectra.Select(s => (s.Lower, s.Error))], steps, saddle.Tilt, step, up, down);

    /// <summary>A first guess at epsilon.</summary>
    public double Guess => saddle.Epsilon;

    private static ((double Distance, double Tilt) Up, (double Distance, double Tilt) Down) Reach(IReadOnlyList<(Cumulants Kappa, long Steps)> parts, Saddle saddle)
    {
        // exp(-36) beside the tail's own weight, which is about 1/(t s) where t is the tilt and s the deviation.
        var exponent = 36 + Math.Log(1 + saddle.Tilt * saddle.Deviation);
        return (saddle.Reach(parts, 1, exponent), saddle.Reach(parts, -1, exponent));
    }
}
