using System.Globalization;
using System.Text.Json.Serialization;

namespace FedLora.Privacy.Ledger;

/// <summary>One use of a data set: what was about to be drawn when this was written.</summary>
/// <param name="Sequence">1 for the first entry of the ledger.</param>
/// <param name="At">When, by the node's clock.</param>
/// <param name="DataSet">Which data set, as <see cref="DataSetCatalogue"/> identifies it.</param>
/// <param name="Federation">Who spent it.</param>
/// <param name="Round">In which round.</param>
/// <param name="NoiseMultiplier">sigma.</param>
/// <param name="SamplingRate">q.</param>
/// <param name="Steps">How many steps, empty ones included.</param>
/// <param name="ClipNorm">C, the norm that one example's gradient was clipped to.</param>
/// <param name="Previous">The seal of the entry before, hex.</param>
/// <param name="Seal">HMAC-SHA-256 by the node's ledger key over all fields above, hex.</param>
public sealed record LedgerEntry(
    long Sequence, DateTimeOffset At, string DataSet, string Federation, int Round,
    double NoiseMultiplier, double SamplingRate, long Steps, double ClipNorm, string Previous, string Seal)
{
    /// <summary>What the accountants need of it.</summary>
    [JsonIgnore]
    public SampledGaussian Run => new(NoiseMultiplier, SamplingRate, Steps);

    /// <summary>What the seal is taken over: every other field, exactly, in a form that no two entries share.</summary>
    internal string Sealed => string.Join('\n',
        Sequence.ToString(CultureInfo.InvariantCulture), At.ToString("O", CultureInfo.InvariantCulture), DataSet,
        Uri.EscapeDataString(Federation), Round.ToString(CultureInfo.InvariantCulture), NoiseMultiplier.ToString("R", CultureInfo.InvariantCulture),
        SamplingRate.ToString("R", CultureInfo.InvariantCulture), Steps.ToString(CultureInfo.InvariantCulture), ClipNorm.ToString("R", CultureInfo.InvariantCulture), Previous);
}

/// <summary>What a node tells the coordinator of one entry. It carries no count of examples: that is private too.</summary>
/// <param name="Run">sigma, q, steps.</param>
/// <param name="ClipNorm">C.</param>
/// <param name="Delta">The delta that the epsilons are stated at.</param>
/// <param name="EpsilonSpent">Upper bound of what the data set has spent over all federations, this round included.</param>
/// <param name="EpsilonLimit">The site's limit; 0 = none.</param>
/// <param name="DataSet">The data set.</param>
/// <param name="EntryHash">The entry's seal, hex.</param>
public sealed record LedgerReceipt(SampledGaussian Run, double ClipNorm, double Delta, double EpsilonSpent, double EpsilonLimit, string DataSet, string EntryHash);
