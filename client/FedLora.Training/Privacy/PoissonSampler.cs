using FedLora.Training.Running;

namespace FedLora.Training.Privacy;

/// <summary>
/// Poisson sampling, the sampling that the accountants account for: each step takes each example with probability q, independently of all
/// others and all other steps. A batch may be empty; it is a step all the same.
/// </summary>
public sealed class PoissonSampler : IBatchSampler
{
    private const double Unit = 1.0 / (1UL << 53);

    private readonly int _count;
    private readonly double _rate;
    private readonly IRandomSource _source;

    /// <param name="count">How many examples there are, at least 1.</param>
    /// <param name="rate">q, above 0 and at most 1.</param>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>.</exception>
    public PoissonSampler(int count, double rate) : this(count, rate, CryptographicRandom.Instance)
    {
    }

    internal PoissonSampler(int count, double rate, IRandomSource source)
    {
        if (count < 1 || !(rate is > 0 and <= 1))
            throw new FedLoraException("privacy-invalid", $"Cannot sample {count} examples at rate {rate}.",
                "Give at least one example and a rate above 0 and at most 1.");
        (_count, _rate, _source) = (count, rate, RandomSources.Require(source));
    }

    /// <inheritdoc/>
    public int[] Next()
    {
        var (chosen, uniform) = (new List<int>(), new double[_count]);
        _source.Uniform(uniform);
        for (var i = 0; i < _count; i++)
        {
            // One more unit in the last of 53 places: rounded so, q is never exceeded, not even where it is below 2^-53.
            if (uniform[i] + Unit <= _rate)
                chosen.Add(i);
        }
        return [.. chosen];
    }
}
