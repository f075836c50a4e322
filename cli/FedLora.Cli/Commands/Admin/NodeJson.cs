using FedLora.Protocol.V1;

namespace FedLora.Cli.Commands.Admin;

/// <summary>A node as <c>--json</c> shows it.</summary>
internal sealed record NodeJson(string NodeId, string Name, string Group, string State, DateTimeOffset Enrolled, DateTimeOffset? LastSeen,
    IReadOnlyList<string> ModelFingerprints, ulong BytesSent, ulong BytesReceived, IReadOnlyList<string> Refused)
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
        node.Refused);
}
