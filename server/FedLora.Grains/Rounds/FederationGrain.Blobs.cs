namespace FedLora.Grains;

/// <content>What must not be cleaned up.</content>
public sealed partial class FederationGrain
{
    public async Task<IReadOnlyList<string>> KeptBlobsAsync(CancellationToken cancellationToken) =>
        (await Retention.KeptAsync(blobs, federation.State, [.. Round.Updates.Values], cancellationToken)).ToArray();
}
