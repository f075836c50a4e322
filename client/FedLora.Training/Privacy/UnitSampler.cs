using FedLora.Training.Running;

namespace FedLora.Training.Privacy;

/// <summary>
/// Poisson sampling of units of privacy: each step draws each unit (a person, a thread) with probability q, independently, and of each unit
/// drawn one example at random. So a unit adds at most one clipped gradient to a step, and adding or removing all its examples together is
/// what the accountants account for: given which example is drawn the step is the sampled Gaussian mechanism with sensitivity C, and the
/// hockey-stick divergence of a mixture is at most the largest of its parts (joint convexity).
/// </summary>
public sealed class UnitSampler : IBatchSampler
{
    private readonly IReadOnlyList<IReadOnlyList<int>> _units;
    private readonly PoissonSampler _sampler;
    private readonly IRandomSource _source;

    /// <param name="units">The examples of each unit, by index; at least one unit, none of them empty.</param>
    /// <param name="rate">q, above 0 and at most 1.</param>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>.</exception>
    public UnitSampler(IReadOnlyList<IReadOnlyList<int>> units, double rate) : this(units, rate, CryptographicRandom.Instance)
    {
    }

    internal UnitSampler(IReadOnlyList<IReadOnlyList<int>> units, double rate, IRandomSource source) =>
        (_units, _sampler, _source) = (units, new PoissonSampler(units.Count, rate, source), source);

    /// <inheritdoc/>
    public int[] Next()
    {
        var drawn = _sampler.Next();
        var places = new double[drawn.Length];
        _source.Uniform(places);
        return [.. drawn.Zip(places, (unit, place) => _units[unit][(int)(place * _units[unit].Count)])];
    }
}
