using System.Numerics.Tensors;
using FedLora.Adapters;
using FedLora.Privacy;
using FedLora.Training.Privacy;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Trainers;

/// <summary>
/// Noise on a whole update: its difference from the start is cut to a norm C and N(0, (sigma C)^2) is added to every entry. What is hidden
/// is whether this site took part with
/// data at all (a neighbour sends noise alone: sensitivity C, one Gaussian mechanism of multiplier sigma a round). It is a promise to the
/// site as a whole, weaker in what
/// it names than privacy of single examples: of two sites' data that differ in one example the updates may differ by 2 C, a multiplier of
/// sigma / 2.
/// </summary>
/// <param name="ClipNorm">C, within <see cref="PrivateBounds"/>.</param>
/// <param name="NoiseMultiplier">sigma, likewise.</param>
/// <param name="Delta">At which epsilon is told.</param>
public sealed record UpdateNoiseTerms(double ClipNorm, double NoiseMultiplier, double Delta = UpdateNoiseTerms.UsualDelta)
{
    /// <summary>Where nothing else is said.</summary>
    public const double UsualDelta = 1e-5;
}

/// <summary>Hides updates, and keeps account of it in the node's folder before each: a crash can only count too much.</summary>
internal sealed class WholeUpdateNoise
{
    private readonly UpdateNoiseTerms _terms;
    private readonly UpdateNoiseAccount _account;
    private readonly ILogger _logger;

    /// <exception cref="FedLoraException"><c>privacy-invalid</c>: outside <see cref="PrivateBounds"/>.</exception>
    public WholeUpdateNoise(UpdateNoiseTerms terms, string state, ILogger logger)
    {
        PrivateBounds.Require(terms.ClipNorm, terms.NoiseMultiplier, 1);
        (this._terms, this._logger, _account) = (terms, logger, new UpdateNoiseAccount(state));
    }

    /// <summary>The update, hidden.</summary>
    public AdapterState Hide(AdapterState start, AdapterState update)
    {
        _account.Add(_terms.NoiseMultiplier);
        _logger.Hidden(_account.Rounds, EpsilonText.AtMost(_account.Epsilon(_terms.Delta)), _terms.Delta);
        var deltas = update.ToDictionary(tensor => tensor.Name, tensor => Difference(tensor, start[tensor.Name]), StringComparer.Ordinal);
        var norm = Math.Sqrt(deltas.Values.Sum(delta => TensorPrimitives.SumOfSquares<double>(delta)));
        var share = Math.Min(1, _terms.ClipNorm / Math.Max(norm, double.Epsilon));
        var source = new GaussianNumbers();
        return new AdapterState(update.Select(tensor =>
        {
            var (delta, before) = (deltas[tensor.Name], start[tensor.Name].Values);
            var noise = source.Draw(delta.Length, _terms.NoiseMultiplier * _terms.ClipNorm);
            return new AdapterTensor(tensor.Name, tensor.Shape,
                [.. delta.Select((change, i) => (float)(before[i] + (share * change) + noise[i]))]);
        }));
    }

    private static double[] Difference(AdapterTensor after, AdapterTensor before) =>
        [.. after.Values.Zip(before.Values, (a, b) => (double)a - b)];
}
