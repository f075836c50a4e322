using System.Globalization;
using System.Numerics.Tensors;
using FedLora.Adapters;
using FedLora.Privacy;
using FedLora.Training.Privacy;

namespace FedLora.Client.Trainers;

/// <summary>
/// Noise on a whole update: its difference from the start is cut to a norm C and N(0, (sigma C)^2) is added to every entry. What is hidden
/// is whether this site took part with
/// data at all (a neighbour sends noise alone: sensitivity C, one Gaussian mechanism of multiplier sigma a round). It is a promise to the
/// site as a whole, weaker in what
/// it names than privacy of single examples: of two sites' data that differ in one example the updates may differ by 2 C, a multiplier of
/// sigma / 2.
/// </summary>
/// <param name="ClipNorm">C, above 0.</param>
/// <param name="NoiseMultiplier">sigma, above 0.</param>
/// <param name="Delta">At which epsilon is told.</param>
public sealed record UpdateNoiseTerms(double ClipNorm, double NoiseMultiplier, double Delta = 1e-5);

/// <summary>Hides updates, and keeps account of it in the node's folder before each: a crash can only count too much.</summary>
internal sealed class WholeUpdateNoise(UpdateNoiseTerms terms, string state)
{
    private const string FileName = "update-noise";

    /// <summary>The update, hidden.</summary>
    public AdapterState Hide(AdapterState start, AdapterState update)
    {
        Account();
        var deltas = update.ToDictionary(tensor => tensor.Name, tensor => Difference(tensor, start[tensor.Name]), StringComparer.Ordinal);
        var norm = Math.Sqrt(deltas.Values.Sum(delta => TensorPrimitives.SumOfSquares<double>(delta)));
        var share = Math.Min(1, terms.ClipNorm / Math.Max(norm, double.Epsilon));
        var source = new GaussianNumbers();
        return new AdapterState(update.Select(tensor =>
        {
            var (delta, before) = (deltas[tensor.Name], start[tensor.Name].Values);
            var noise = source.Draw(delta.Length, terms.NoiseMultiplier * terms.ClipNorm);
            return new AdapterTensor(tensor.Name, tensor.Shape,
                [.. delta.Select((change, i) => (float)(before[i] + (share * change) + noise[i]))]);
        }));
    }

    /// <summary>What all rounds so far have spent: epsilon at the terms' delta, of the site as a whole.</summary>
    public double Epsilon() =>
        Accountants.Default.Epsilon([.. Spent().Select(use => new SampledGaussian(use.Noise, 1, use.Rounds))], terms.Delta).Epsilon;

    private void Account()
    {
        var uses = Spent().ToDictionary(use => use.Noise, use => use.Rounds);
        uses[terms.NoiseMultiplier] = uses.GetValueOrDefault(terms.NoiseMultiplier) + 1;
        AtomicFile.Write(Path.Combine(state, FileName),
            string.Concat(uses.Select(use => string.Create(CultureInfo.InvariantCulture, $"{use.Key:R} {use.Value}\n"))));
    }

    private IEnumerable<(double Noise, int Rounds)> Spent()
    {
        var path = Path.Combine(state, FileName);
        if (!File.Exists(path))
            return [];
        try
        {
            return [.. File.ReadAllLines(path).Select(line => line.Split(' '))
                .Select(parts => (double.Parse(parts[0], CultureInfo.InvariantCulture),
                    int.Parse(parts[1], CultureInfo.InvariantCulture)))];
        }
        catch (Exception error) when (error is FormatException or IndexOutOfRangeException or OverflowException)
        {
            throw new FedLoraException("ledger-damaged", $"{path} is not the account of this node's noise that it should be",
                "restore it from a copy; without it nobody knows what was spent", error);
        }
    }

    private static double[] Difference(AdapterTensor after, AdapterTensor before) =>
        [.. after.Values.Zip(before.Values, (a, b) => (double)a - b)];
}
