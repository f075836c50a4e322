using System.Globalization;
using System.Text.Json.Serialization;

namespace FedLora.Privacy.Ledger;

/// <summary>
/// One use of a data set: what was about to be drawn when this was written. A noise multiplier of 0 stands for training without privacy.
/// </summary>
/// <param name="Sequence">1 for the first entry of the ledger.</param>
/// <param name="At">When, by the node's clock.</param>
/// <param name="DataSet">Which data set, as <see cref="DataSetCatalogue"/> identifies it; never a file's name.</param>
/// <param name="Federation">Who spent it.</param>
/// <param name="Round">In which round.</param>
/// <param name="NoiseMultiplier">sigma.</param>
/// <param name="SamplingRate">q.</param>
/// <param name="Steps">How many steps, empty ones included.</param>
/// <param name="ClipNorm">C, the norm that one example's gradient was clipped to.</param>
/// <param name="Previous">The seal of the entry before, hex.</param>
/// <param name="Seal">HMAC-SHA-256 by the node's ledger key over all other fields, hex.</param>
public sealed record LedgerEntry(
    long Sequence, DateTimeOffset At, string DataSet, string Federation, int Round,
    double NoiseMultiplier, double SamplingRate, long Steps, double ClipNorm, string Previous, string Seal)
{
    /// <summary>The coordinator that asked, by the address that the site gave the node; null in entries of older programs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Coordinator { get; init; }

    /// <summary>The site's limit in force when this was spent; null where there was none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Limit { get; init; }

    /// <summary>The delta that the limit is stated at; null in entries of older programs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Delta { get; init; }

    /// <summary>The field whose value makes lines one unit of privacy (a person, a thread); null where each line is one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Unit { get; init; }

    /// <summary>Whether the data were used with noise.</summary>
    [JsonIgnore]
    public bool IsPrivate => NoiseMultiplier > 0;

    /// <summary>What the accountants need of it.</summary>
    [JsonIgnore]
    public SampledGaussian Run => new(NoiseMultiplier, SamplingRate, Steps);

    /// <summary>What the seal is taken over: every other field, exactly, in a form that no two entries share.</summary>
    internal string Sealed => string.Join('\n',
        Sequence.ToString(CultureInfo.InvariantCulture), At.ToString("O", CultureInfo.InvariantCulture), DataSet,
        Uri.EscapeDataString(Federation), Round.ToString(CultureInfo.InvariantCulture),
        NoiseMultiplier.ToString("R", CultureInfo.InvariantCulture),
        SamplingRate.ToString("R", CultureInfo.InvariantCulture), Steps.ToString(CultureInfo.InvariantCulture),
        ClipNorm.ToString("R", CultureInfo.InvariantCulture), Previous) + SealedLater;

    // What entries of older programs do not have adds nothing to what their seals were taken over.
    private string SealedLater => (Coordinator, Limit, Delta, Unit) is (null, null, null, null) ? ""
        : string.Create(
            CultureInfo.InvariantCulture,
            $"\n{Uri.EscapeDataString(Coordinator ?? "")}\n{Limit:R}\n{Delta:R}\n"
                + $"{(Unit is null ? "-" : "+" + Uri.EscapeDataString(Unit))}");
}

/// <summary>Whose use of a data set an entry records.</summary>
/// <param name="Coordinator">The coordinator's address, as the site gave it.</param>
/// <param name="Federation">The federation's name there.</param>
/// <param name="Round">The round.</param>
/// <param name="Unit">The field that makes lines one unit of privacy; null where each line is one.</param>
public sealed record LedgerUse(string Coordinator, string Federation, int Round, string? Unit = null);
