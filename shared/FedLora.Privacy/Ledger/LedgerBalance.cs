using System.Text.Json.Serialization;

namespace FedLora.Privacy.Ledger;

/// <summary>What a data set has spent of which limit.</summary>
/// <param name="DataSet">Its identity.</param>
/// <param name="Name">What the site calls it; null in ledgers of older programs.</param>
/// <param name="File">Where it was last read from.</param>
/// <param name="Unit">What one unit of privacy is.</param>
/// <param name="SpentEpsilon">Upper bound.</param>
/// <param name="SpentEpsilonAtLeast">Lower bound.</param>
/// <param name="LimitEpsilon">The limit in force; null = none.</param>
/// <param name="LeftEpsilon">Limit less spent; negative where more was spent than the present limit allows.</param>
/// <param name="Delta">The delta that all are stated at.</param>
/// <param name="UsedWithoutPrivacy">Whether it was trained on without noise too.</param>
public sealed record LedgerBalance(
    string DataSet, string? Name, string? File, string Unit, double SpentEpsilon, double SpentEpsilonAtLeast, double? LimitEpsilon,
    double? LeftEpsilon, double Delta, bool UsedWithoutPrivacy)
{
    /// <summary>For people.</summary>
    [JsonIgnore]
    public string Line =>
        $"data set {Name ?? DataSet[..12]}{(File is null ? "" : $" ({File})")}: spent epsilon {EpsilonText.AtMost(SpentEpsilon)} at delta "
            + $"{Delta:0.###e+0} per {Unit}"
            + (LeftEpsilon is { } left
                ? $", limit {EpsilonText.AtLeast(LimitEpsilon ?? 0)}, "
                    + (left < 0 ? $"{EpsilonText.AtMost(-left)} over the limit" : $"left {EpsilonText.AtLeast(left)}")
                : ", no limit")
            + (UsedWithoutPrivacy ? "; also used without privacy" : "");

    /// <summary>The balance of one data set; the accountant bounds what was spent, which may take seconds.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="dataSet">One of its data sets.</param>
    /// <param name="stated">The limit of a policy file; null = the one in force at the last spending.</param>
    /// <param name="delta">The delta asked for; null = the limit's.</param>
    /// <exception cref="FedLoraException"><c>privacy-invalid</c>: the limit is stated at another delta than the one asked for.</exception>
    public static LedgerBalance Of(PrivacyLedger ledger, string dataSet, PrivacyLimit? stated, double? delta)
    {
        var uses = ledger.UsesOf(dataSet);
        var limit = stated ?? new PrivacyLimit(uses[^1].Limit, uses[^1].Delta ?? delta ?? new SitePolicy().Delta);
        if (limit.Epsilon is not null && delta is { } asked && !asked.Equals(limit.Delta))
        {
            throw new FedLoraException("privacy-invalid",
                $"the limit is stated at delta {limit.Delta:0.###e+0}; at delta {asked:0.###e+0} epsilon means something else and cannot "
                    + $"be compared with it",
                "Leave --delta out.");
        }
        var at = delta ?? limit.Delta;
        var spent = Accountants.Default.Epsilon(ledger.Spent(dataSet), at);
        var label = ledger.LabelOf(dataSet);
        return new(dataSet, label?.Name, label?.File, uses[^1].Unit ?? "example", spent.Epsilon, spent.Lower, limit.Epsilon,
            limit.Epsilon - spent.Epsilon, at, uses.Any(use => !use.IsPrivate));
    }
}
