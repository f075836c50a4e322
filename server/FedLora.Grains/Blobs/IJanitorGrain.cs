using Orleans.Concurrency;

namespace FedLora.Grains.Blobs;

/// <summary>Frees what a crash, a vanished node or a round closed in the meantime has left behind; the key is <see cref="Key"/>.</summary>
public interface IJanitorGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "janitor";

    /// <summary>Activates it; from then on it cleans up every hour by itself.</summary>
    [Repeatable]
    Task WakeAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Removes those of the blobs that no federation refers to any more; none where one does not answer. Called by a federation that needs
    /// them no longer.
    /// </summary>
    [AlwaysInterleave, Repeatable]
    Task ReleaseAsync(string[] hashes, CancellationToken cancellationToken);

    /// <summary>
    /// Keeps blobs, whoever refers to them, for <see cref="JanitorGrain.Held"/> from now: an operator has uploaded them and is about to
    /// make a federation from them, or was told their names and is about to download them.
    /// </summary>
    [AlwaysInterleave, Repeatable]
    Task HoldAsync(string[] hashes, CancellationToken cancellationToken);

    /// <summary>
    /// One clean-up: removes partial uploads that nobody has added to for a day, and blobs older than a day that no federation refers to,
    /// at most a thousand of each at a time. Where a federation does not answer, no blob is removed.
    /// </summary>
    Task<CleanedUp> CleanUpAsync(CancellationToken cancellationToken);
}

/// <summary>What a clean-up removed.</summary>
[GenerateSerializer, Immutable]
public sealed record CleanedUp
{
    /// <summary>Partial uploads.</summary>
    [Id(0)] public required int Partials { get; init; }

    /// <summary>Whole blobs.</summary>
    [Id(1)] public required int Blobs { get; init; }

    /// <summary>Blobs that nothing refers to either, and that a later clean-up removes.</summary>
    [Id(2)] public int Waiting { get; init; }
}
