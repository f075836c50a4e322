using System.Text.Json.Serialization;
using FedLora.Privacy;

namespace FedLora.Grains.Nodes;

/// <summary>What all receipts of a data set add up to.</summary>
[GenerateSerializer, Immutable]
public sealed record DataSetSpending
{
    /// <summary>The latest receipt, which says what was spent in all.</summary>
    [Id(0)] public required LedgerMirrorEntry Last { get; init; }

    /// <summary>Of which federations, in ordinal order.</summary>
    [Id(1)] public required IReadOnlyList<string> Federations { get; init; }

    /// <summary>What was run, equal mechanisms put together.</summary>
    [Id(2)] public required IReadOnlyList<PrivacyRun> Runs { get; init; }

    [JsonIgnore]
    public string DataSet => Last.Receipt.DataSet;

    /// <summary>With one receipt more; the data set that was used last is the last.</summary>
    public static List<DataSetSpending> Add(IEnumerable<DataSetSpending> spent, LedgerMirrorEntry entry)
    {
        var sets = spent.ToList();
        var before = sets.Find(known => known.DataSet == entry.Receipt.DataSet);
        if (before is not null)
            sets.Remove(before);
        sets.Add(new()
        {
            Last = entry,
            Federations = (before?.Federations ?? []).Append(entry.Federation).Distinct().Order(StringComparer.Ordinal).ToArray(),
            Runs = SampledGaussian.Simplify((before?.Runs ?? []).Select(run => run.ToMechanism()).Append(entry.Receipt.Run))
                .Select(PrivacyRun.Of).ToArray(),
        });
        return sets;
    }
}
