using System.Globalization;
using FedLora.Privacy;

namespace FedLora.Client.Trainers;

/// <summary>
/// The account of a node's noise on whole updates (see <see cref="UpdateNoiseTerms"/>), a file in its folder. What it spends is of the site
/// as a whole, over all federations; the ledger, which is of single examples, knows nothing of it.
/// </summary>
/// <param name="state">The node's folder.</param>
public sealed class UpdateNoiseAccount(string state)
{
    private const string FileName = "update-noise";

    /// <summary>Updates that were hidden.</summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c>.</exception>
    public int Rounds => Uses().Sum(use => use.Rounds);

    /// <summary>What all of them have spent, an upper bound; 0 where there are none.</summary>
    /// <param name="delta">In (0, 1).</param>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c>.</exception>
    public double Epsilon(double delta)
    {
        SampledGaussian[] runs = [.. Uses().Select(use => new SampledGaussian(use.Noise, 1, use.Rounds))];
        return runs.Length == 0 ? 0 : Accountants.Default.Epsilon(runs, delta).Epsilon;
    }

    /// <summary>One more, on disk when it returns.</summary>
    internal void Add(double noiseMultiplier)
    {
        var uses = Uses().ToDictionary(use => use.Noise, use => use.Rounds);
        uses[noiseMultiplier] = uses.GetValueOrDefault(noiseMultiplier) + 1;
        AtomicFile.Write(Path.Combine(state, FileName),
            string.Concat(uses.Select(use => string.Create(CultureInfo.InvariantCulture, $"{use.Key:R} {use.Value}\n"))));
    }

    private IReadOnlyList<(double Noise, int Rounds)> Uses()
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
}
