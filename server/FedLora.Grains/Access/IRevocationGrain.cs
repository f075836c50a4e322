using Orleans.Concurrency;

namespace FedLora.Grains.Access;

/// <summary>
/// Tells every coordinator whose access was taken away, or given back, at once: each call is checked anyway, this ends the calls that are
/// open. Which of both it was whoever hears looks up. Keeps nothing: whoever finds that it has started anew
/// (<see cref="Revocations.Epoch"/>) looks at all open calls again.
/// </summary>
public interface IRevocationGrain : IGrainWithStringKey
{
    /// <summary>The key of the only one.</summary>
    const string Key = "revocations";

    [AlwaysInterleave, Repeatable]
    Task NoteAsync(string id, CancellationToken cancellationToken);

    /// <summary>Answers as soon as there are more than <paramref name="seen"/>, at the latest after a while.</summary>
    [AlwaysInterleave, ResponseTimeout("00:02:00"), Repeatable]
    Task<Revocations> WatchAsync(Guid epoch, int seen, TimeSpan wait, CancellationToken cancellationToken);
}

/// <summary>Whose access was taken away or given back since this grain lives.</summary>
[GenerateSerializer, Immutable]
public sealed record Revocations
{
    /// <summary>Of this life of the grain.</summary>
    [Id(0)] public required Guid Epoch { get; init; }

    /// <summary>How many there are by now.</summary>
    [Id(1)] public required int Seen { get; init; }

    /// <summary>Those that the asker has not seen.</summary>
    [Id(2)] public required IReadOnlyList<string> Ids { get; init; }
}
