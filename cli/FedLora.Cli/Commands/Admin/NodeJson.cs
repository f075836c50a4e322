using FedLora.Protocol.V1;

namespace FedLora.Cli.Commands.Admin;

/// <summary>A node as <c>--json</c> shows it.</summary>
internal sealed record NodeJson(string NodeId, string Name, string Group, string State, DateTimeOffset Enrolled, DateTimeOffset? LastSeen,
    IReadOnlyList<string> ModelFingerprints, ulong BytesSent, ulong BytesReceived, IReadOnlyList<string> Refused,
    IReadOnlyList<BalanceJson> Balances, IReadOnlyList<ShareJson> Tasks)
{
    internal static NodeJson From(NodeView node) => new(
        node.NodeId,
        node.Name,
        node.Group,
        node.Revoked ? "revoked" : node.Online ? "online" : "away",
        DateTimeOffset.FromUnixTimeMilliseconds(node.EnrolledUnixMs),
        node.LastSeenUnixMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(node.LastSeenUnixMs),
        node.Profile?.ModelFingerprints ?? [],
        node.Traffic?.Sent ?? 0,
        node.Traffic?.Received ?? 0,
        node.Refused,
        [.. (node.Profile?.Balances ?? [])
            .Select(
                balance => new BalanceJson(balance.DataSet, balance.SpentEpsilon, balance.LimitEpsilon > 0 ? balance.LimitEpsilon : null,
                    balance.Delta))],
        [.. node.Tasks.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => new ShareJson(entry.Key, entry.Value,
            Math.Round(entry.Value / (double)node.Tasks.Values.Sum(tasks => tasks), 4)))]);
}

/// <summary>What a node's data set has spent over all federations.</summary>
internal sealed record BalanceJson(string DataSet, double SpentEpsilon, double? LimitEpsilon, double Delta);

/// <summary>How many tasks a federation has given to a node, and which share that is of all.</summary>
internal sealed record ShareJson(string Federation, uint Tasks, double Share);
