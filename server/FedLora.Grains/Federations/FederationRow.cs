using System.Text.Json;
using System.Text.Json.Serialization;

namespace FedLora.Grains.Federations;

/// <summary>
/// Stored state of a federation: one row, so one ETag. Writing it with one more round is what commits a round; writing it with one more
/// update is what acknowledges it.
/// </summary>
public sealed class FederationRow
{
    /// <summary>
    /// 1: a row of the federation and one of its round (up to commit 02401dd), enums as numbers. 2: one row, enums by name. 3: a
    /// definition says <see cref="FederationDefinition.MaxWeight"/>; those of before have no bound.
    /// </summary>
    public const int PresentFormat = 3;

    private const int FirstWithMaxWeight = 3;

    public int Format { get; set; }

    /// <summary>Null: no such federation.</summary>
    public FederationStanding? Standing { get; set; }

    /// <summary>What a row of format 1 holds.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Older { get; set; }

    /// <summary>
    /// Brings a row of format 1 to the present one; the history's older part still is in <see cref="FederationStanding.Recent"/>.
    /// </summary>
    /// <param name="round">The row of its round.</param>
    public void Upgrade(FirstRoundRow round, DateTimeOffset now)
    {
        if (Format > PresentFormat)
            throw new FedLoraException("state-newer",
                $"A federation's state has format {Format}; this program knows {PresentFormat} at most.",
                "Use the program that wrote it, or a newer one.");
        if (Standing is null && Older is not null && Older.ContainsKey(nameof(FirstFederationRow.Definition)))
        {
            var first = JsonSerializer.SerializeToElement(Older).Deserialize<FirstFederationRow>(StoredJson.Options)!;
            Older = null;
            if (first.Definition is not null)
                Standing = first.ToStanding(round, now);
        }

        if (Standing is { } standing && Format < FirstWithMaxWeight)
            Standing = standing with { Definition = standing.Definition with { MaxWeight = 0 } };
        Format = PresentFormat;
    }
}

/// <summary>A federation's row of format 1.</summary>
public sealed class FirstFederationRow
{
    public FederationDefinition? Definition { get; set; }

    public FederationState State { get; set; }

    public string Reason { get; set; } = "";

    public DateTimeOffset CreatedAt { get; set; }

    public AdapterRef? Adapter { get; set; }

    public List<AdapterRef> Fold { get; set; } = [];

    public List<RoundSummary> History { get; set; } = [];

    public OptimizerMemory? Optimizer { get; set; }

    public List<NodePrivacy> Privacy { get; set; } = [];

    internal FederationStanding ToStanding(FirstRoundRow round, DateTimeOffset now) => new()
    {
        Definition = Definition!,
        State = State,
        Reason = Reason,
        CreatedAt = CreatedAt,
        Adapter = Adapter!,
        Fold = [.. Fold],
        Optimizer = Optimizer,
        Privacy = [.. Privacy],
        Recent = [.. History],
        // Committed, and killed before the next round was noted: its row is stale.
        Round = round.Round == History.Count + 1 ? round.ToProgress() : new() { Round = History.Count + 1, SamplingSince = now },
    };
}

/// <summary>A round's row of format 1.</summary>
public sealed class FirstRoundRow
{
    public int Round { get; set; }

    public int Attempt { get; set; } = 1;

    public int FirstAttempt { get; set; } = 1;

    public RoundState State { get; set; }

    public List<CohortEntry> Cohort { get; set; } = [];

    public Dictionary<string, StoredUpdate> Updates { get; set; } = [];

    public int Wanted { get; set; }

    public int Quorum { get; set; }

    public DateTimeOffset? OpenedAt { get; set; }

    public DateTimeOffset? Deadline { get; set; }

    public DateTimeOffset SamplingSince { get; set; }

    public List<ExcludedNode> Excluded { get; set; } = [];

    internal RoundProgress ToProgress() => new()
    {
        Round = Round,
        Attempt = Attempt,
        FirstAttempt = FirstAttempt,
        State = State,
        Cohort = Cohort.ToImmutableDictionary(entry => entry.NodeId),
        Awaited = State == RoundState.Open
            ? [.. Cohort.Where(entry => entry.Attempt == Attempt && entry.Failure.Length == 0 && !Updates.ContainsKey(entry.NodeId))
                .Select(entry => entry.NodeId)] : [],
        Updates = Updates.ToImmutableDictionary(),
        Wanted = Wanted,
        Quorum = Quorum,
        OpenedAt = OpenedAt,
        Deadline = Deadline,
        SamplingSince = SamplingSince,
        Excluded = [.. Excluded],
    };
}
