using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Blobs;

/// <summary>The janitor: a timer, and a look at what the federations still refer to.</summary>
[KeepAlive]
public sealed class JanitorGrain(IBlobStore blobs, TimeProvider time, ILogger<JanitorGrain> log) : Grain, IJanitorGrain
{
    /// <summary>How long the first clean-up waits after the start.</summary>
    public static readonly TimeSpan FirstAfter = TimeSpan.FromMinutes(10);

    /// <summary>From one clean-up to the next.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <summary>What is younger may belong to somebody who has not said so yet.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromDays(1);

    /// <summary>
    /// How long nothing must have referred to a blob, by a clock that nobody sets: one that is set forward makes everything old at once.
    /// </summary>
    public static readonly TimeSpan Unreferred = TimeSpan.FromMinutes(30);

    private const int Most = 1000;
    private HashSet<string> _unreferred = new(StringComparer.Ordinal);
    private long _looked;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(TickAsync, FirstAfter, Every);
        return Task.CompletedTask;
    }

    public Task WakeAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<CleanedUp> CleanUpAsync(CancellationToken cancellationToken)
    {
        var before = time.GetUtcNow() - Age;
        var partials = await blobs.PrunePartialsAsync(before, Most, cancellationToken);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var federation in await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(cancellationToken))
            kept.UnionWith(await GrainFactory.GetGrain<IFederationGrain>(federation.Name).KeptBlobsAsync(cancellationToken));
        var (found, isLater) = (new HashSet<string>(StringComparer.Ordinal), time.GetElapsedTime(_looked) >= Unreferred);
        var removed = await blobs.PruneAsync(before, hash => !kept.Contains(hash) && IsFree(hash), Most, cancellationToken);
        if (isLater || _unreferred.Count == 0)
            (_unreferred, _looked) = (found, time.GetTimestamp());
        if (partials + removed > 0)
            log.Cleaned(partials, removed);
        return new() { Partials = partials, Blobs = removed, Waiting = found.Count - removed };

        bool IsFree(string hash)
        {
            found.Add(hash);
            return isLater && _unreferred.Contains(hash);
        }
    }

    public async Task ReleaseAsync(string[] hashes, CancellationToken cancellationToken)
    {
        var free = hashes.ToHashSet(StringComparer.Ordinal);
        foreach (var federation in await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(cancellationToken))
            free.ExceptWith(await GrainFactory.GetGrain<IFederationGrain>(federation.Name).RefersToAsync(hashes, cancellationToken));
        foreach (var hash in free)
            await blobs.DeleteAsync(hash, cancellationToken);
    }

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        try
        {
            await CleanUpAsync(cancellationToken);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException or RefusedException or IOException)
        {
            log.NotCleaned(error);
        }
    }
}
