using System.Text.Json.Nodes;
using FedLora.Federations.Files;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;

namespace FedLora.Cli.Commands.Admin;

/// <summary>A federation as <c>--json</c> shows it.</summary>
/// <param name="BaseModel">Its fingerprint.</param>
/// <param name="Settings">All settings, defaults too, with the keys of the federation's file.</param>
/// <param name="History">The last 50 rounds, oldest first; the last may be open.</param>
/// <param name="Excluded">Who was left out of the last sampling.</param>
internal sealed record FederationJson(string Name, string Method, string State, string Reason, uint RoundsDone, uint Rounds,
    DateTimeOffset Created,
    string BaseModel, string AdapterSha256, JsonObject Settings, IReadOnlyList<RoundJson> History, IReadOnlyList<ExcludedJson> Excluded,
    IReadOnlyList<NodePrivacyJson> Privacy)
{
    internal static FederationJson From(FederationView view) => new(
        view.Definition.Name,
        view.Definition.Method,
        view.State.ToString().ToLowerInvariant(),
        view.Reason,
        view.RoundsDone,
        view.Definition.Rounds,
        DateTimeOffset.FromUnixTimeMilliseconds(view.CreatedUnixMs),
        view.Definition.BaseModel.Fingerprint,
        view.Adapter?.Sha256 ?? "",
        SettingsJson.Of(view.Definition.ToModel()),
        [.. view.Rounds.Select(RoundJson.From)],
        [.. view.Excluded.Select(node => new ExcludedJson(node.Name, node.Reason))],
        [.. view.Privacy.Select(NodePrivacyJson.From)]);
}

/// <summary>What the privacy terms mean at a node, and what it has spent.</summary>
internal sealed record NodePrivacyJson(string Node, double SamplingRate, double NoiseMultiplier, double PlannedEpsilon, uint Rounds,
    double SpentEpsilon, double? LimitEpsilon, double Delta)
{
    internal static NodePrivacyJson From(NodePrivacy node) => new(
        node.Node, node.SamplingRate, node.NoiseMultiplier, node.PlannedEpsilon, node.Rounds, node.SpentEpsilon,
        node.LimitEpsilon > 0 ? node.LimitEpsilon : null, node.Delta);
}

/// <summary>A node that was left out, and why.</summary>
internal sealed record ExcludedJson(string Node, string Reason);

/// <summary>A round as <c>--json</c> shows it.</summary>
/// <param name="Opened">When its cohort was drawn.</param>
/// <param name="Deadline">When it closes at the latest; null once it is done.</param>
/// <param name="Closed">When it was committed; null while it is open.</param>
/// <param name="ServerMs">Of the aggregation, without storage.</param>
/// <param name="AggregationStandardError">Of an aggregation error that is an estimate; null where it is exact.</param>
/// <param name="Nodes">The cohort of an open round; of one that is done those whose updates it has. Empty but under <c>federation show</c>
/// for rounds that are done.</param>
internal sealed record RoundJson(uint Round, uint Attempt, string State, DateTimeOffset? Opened, DateTimeOffset? Deadline,
    DateTimeOffset? Closed, uint Updates, uint Quorum, double? Loss,
    double ServerMs, double? AggregationError, double? AggregationStandardError, string AdapterSha256, IReadOnlyList<RoundNodeJson> Nodes)
{
    internal static RoundJson From(RoundView round) => new(
        round.Round, round.Attempt, round.State.ToString().ToLowerInvariant(), Time(round.OpenedUnixMs), Time(round.DeadlineUnixMs),
        Time(round.ClosedUnixMs), round.Updates, round.Quorum, round.HasLoss ? round.Loss : null, round.ServerMs,
        round.HasAggregationError ? round.AggregationError : null,
        round.HasAggregationStandardError ? round.AggregationStandardError : null, round.AdapterSha256,
        [.. round.Nodes.Select(RoundNodeJson.From)]);

    private static DateTimeOffset? Time(long unixMs) => unixMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
}

/// <summary>A node in a round.</summary>
/// <param name="Loss">What it told of its training loss; null under privacy.</param>
/// <param name="Examples">How many it told of; 0 under privacy, and while its update is not in.</param>
/// <param name="Bytes">Of its update.</param>
internal sealed record RoundNodeJson(string Node, string State, uint Step, uint Steps, double? Loss, ulong Examples, long Bytes,
    string Reason)
{
    internal static RoundNodeJson From(NodeInRound node) => new(
        node.Name, FederationTables.State(node), node.Step, node.Steps, node.HasLoss ? node.Loss : null, node.ExampleCount,
        node.UpdateBytes, node.Reason);
}
