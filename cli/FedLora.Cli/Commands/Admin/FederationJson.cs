using FedLora.Protocol.V1;

namespace FedLora.Cli.Commands.Admin;

/// <summary>A federation as <c>--json</c> shows it.</summary>
internal sealed record FederationJson(string Name, string Method, string State, string Reason, uint RoundsDone, uint Rounds, DateTimeOffset Created,
    string BaseModel, string AdapterSha256, IReadOnlyList<RoundJson> History, IReadOnlyList<ExcludedJson> Excluded, IReadOnlyList<NodePrivacyJson> Privacy)
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
        [.. view.Rounds.Select(RoundJson.From)],
        [.. view.Excluded.Select(node => new ExcludedJson(node.Name, node.Reason))],
        [.. view.Privacy.Select(NodePrivacyJson.From)]);
}

/// <summary>What the privacy terms mean at a node, and what it has spent.</summary>
internal sealed record NodePrivacyJson(string Node, double SamplingRate, double NoiseMultiplier, double PlannedEpsilon, uint Rounds, double SpentEpsilon, double? LimitEpsilon, double Delta)
{
    internal static NodePrivacyJson From(NodePrivacy node) => new(
        node.Node, node.SamplingRate, node.NoiseMultiplier, node.PlannedEpsilon, node.Rounds, node.SpentEpsilon, node.LimitEpsilon > 0 ? node.LimitEpsilon : null, node.Delta);
}

/// <summary>A node that was left out, and why.</summary>
internal sealed record ExcludedJson(string Node, string Reason);

/// <summary>A round as <c>--json</c> shows it.</summary>
internal sealed record RoundJson(uint Round, uint Attempt, string State, uint Updates, uint Quorum, double? Loss, double ServerMs, double? AggregationError, string AdapterSha256,
    IReadOnlyList<RoundNodeJson> Nodes)
{
    internal static RoundJson From(RoundView round) => new(
        round.Round, round.Attempt, round.State.ToString().ToLowerInvariant(), round.Updates, round.Quorum, round.HasLoss ? round.Loss : null, round.ServerMs,
        round.HasAggregationError ? round.AggregationError : null, round.AdapterSha256, [.. round.Nodes.Select(RoundNodeJson.From)]);
}

/// <summary>A node in the open round.</summary>
internal sealed record RoundNodeJson(string Node, string State, uint Step, uint Steps, double? Loss, string Reason)
{
    internal static RoundNodeJson From(NodeInRound node) => new(
        node.Name, FederationTables.State(node), node.Step, node.Steps, node.HasLoss ? node.Loss : null, node.Reason);
}
