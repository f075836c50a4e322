namespace FedLora.Grains;

/// <content>What nodes fetch where communication is sparse.</content>
public sealed partial class FederationGrain
{
    private readonly Dictionary<(string Adapter, double Density), IReadOnlyList<BlobPart>> _parts = [];

    /// <summary>The parts of the global adapter at a density; none where the whole adapter travels. Made once a round and density.</summary>
    private async Task<IReadOnlyList<BlobPart>> PartsAsync(double density, CancellationToken cancellationToken)
    {
        if (!Definition.IsSparseDown(density))
            return [];
        var global = federation.State.Adapter!;
        if (_parts.TryGetValue((global.Sha256, density), out var made))
            return made;
        var parts = await SparseDownlink.MakeAsync(blobs, Definition, Round.Round, global, density, cancellationToken);
        foreach (var old in _parts.Keys.Where(key => key.Adapter != global.Sha256).ToList())
            _parts.Remove(old);
        _parts[(global.Sha256, density)] = parts;

        // Noted before the old ones go: a crash in between leaves a blob too many, never one too few.
        var current = _parts.Values.SelectMany(list => list).Select(part => part.Sha256).ToHashSet(StringComparer.Ordinal);
        var stale = Round.Downlinks.Where(part => !current.Contains(part.Sha256)).ToList();
        Round.Downlinks = [.. _parts.Values.SelectMany(list => list).DistinctBy(part => part.Sha256)];
        await StoreAsync(round);
        foreach (var part in stale)
            await blobs.DeleteAsync(part.Sha256, cancellationToken);
        return parts;
    }
}
