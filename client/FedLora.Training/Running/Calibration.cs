namespace FedLora.Training.Running;

/// <summary>The guesses whose probability lies in one range.</summary>
/// <param name="Count">How many.</param>
/// <param name="Confidence">The mean probability that the model gave them; 0 where there is none.</param>
/// <param name="Accuracy">The share of them that was right; 0 where there is none.</param>
public sealed record CalibrationBin(long Count, double Confidence, double Accuracy);

/// <summary>
/// Whether a model's probabilities are what they say: guesses in <see cref="BinCount"/> ranges of equal width, (m - 1) / M below and m / M
/// at most, by the probability of the likeliest class or token (Guo et al. 2017, arXiv 1706.04599, section 2).
/// </summary>
public sealed class Calibration
{
    /// <summary>M: how many ranges; 15, as in the paper.</summary>
    public const int BinCount = 15;

    private readonly (long Count, double Confidence, long Right)[] _bins = new (long, double, long)[BinCount];

    /// <summary>The ranges from the lowest probability to the highest.</summary>
    public IReadOnlyList<CalibrationBin> Bins => Array.ConvertAll(_bins, bin => bin.Count == 0 ? new CalibrationBin(0, 0, 0)
        : new CalibrationBin(bin.Count, bin.Confidence / bin.Count, (double)bin.Right / bin.Count));

    /// <summary>
    /// The expected calibration error, 0 to 1: sum over the ranges of |share right - mean probability|, weighted by their guesses. 0 for no
    /// guess.
    /// </summary>
    public double Error
    {
        get
        {
            var all = _bins.Sum(bin => bin.Count);
            return all == 0 ? 0 : _bins.Sum(bin => Math.Abs(bin.Right - bin.Confidence)) / all;
        }
    }

    /// <summary>Counts one guess.</summary>
    /// <param name="confidence">Its probability, 0 to 1.</param>
    /// <param name="right">Whether it was right.</param>
    public void Add(double confidence, bool right)
    {
        ref var bin = ref _bins[Math.Clamp((int)Math.Ceiling(confidence * BinCount) - 1, 0, BinCount - 1)];
        bin = (bin.Count + 1, bin.Confidence + confidence, bin.Right + (right ? 1 : 0));
    }
}
