using System.Collections.Concurrent;

namespace FedLora.Dashboard.Federations;

/// <summary>The stored records of committed rounds. A record never changes, so it is read once.</summary>
internal sealed class RoundRecords(IBlobStore blobs)
{
    private const int MostKnown = 2_000;
    private readonly ConcurrentDictionary<string, RoundRecord> _known = new(StringComparer.Ordinal);

    /// <summary>A round's record; null where the store no longer has it.</summary>
    internal async Task<RoundRecord?> FindAsync(RoundSummary round, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(round.Record, out var known))
            return known;
        try
        {
            if (_known.Count > MostKnown)
                _known.Clear();
            return _known[round.Record] = await blobs.GetJsonAsync<RoundRecord>(round.Record, cancellationToken);
        }
        catch (RefusedException refused) when (refused.Code == RefusalCodes.BlobMissing)
        {
            return null;
        }
    }
}
