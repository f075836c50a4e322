using FedLora.Protocol.Mapping;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Mapping;

/// <summary>Federations and rounds as operators see them.</summary>
internal static class FederationMapping
{
    internal const int RoundsShown = 50;

    /// <param name="view">The federation.</param>
    /// <param name="rounds">Whether its rounds are wanted.</param>
    /// <param name="nodes">Who delivered in those that are done, where it was looked up.</param>
    internal static Wire.FederationView ToWire(this FederationView view, bool rounds,
        IReadOnlyDictionary<int, IReadOnlyList<NodeInRound>>? nodes = null)
    {
        var wire = new Wire.FederationView
        {
            Definition = view.Definition.ToWire(layout: true),
            State = (Wire.FederationState)((int)view.State + 1),
            Reason = view.Reason,
            RoundsDone = (uint)view.RoundsDone,
            Adapter = Whole(view.Adapter),
            CreatedUnixMs = view.CreatedAt.ToUnixTimeMilliseconds(),
            Privacy =
            {
                view.Privacy.Select(row => new Wire.NodePrivacy
                {
                    Node = row.Node,
                    SamplingRate = row.SamplingRate,
                    NoiseMultiplier = row.NoiseMultiplier,
                    PlannedEpsilon = row.PlannedEpsilon,
                    Rounds = (uint)row.Rounds,
                    SpentEpsilon = row.SpentEpsilon,
                    LimitEpsilon = row.LimitEpsilon,
                    Delta = row.Delta,
                }),
            },
            Excluded =
            {
                view.Excluded.Select(node => new Wire.ExcludedNode { NodeId = node.NodeId, Name = node.Name, Reason = node.Reason }),
            },
        };
        if (!rounds)
            return wire;
        wire.Rounds.AddRange(
            view.History.TakeLast(RoundsShown).Select(round => ToWire(round, nodes?.GetValueOrDefault(round.Round) ?? [])));
        if (view.Current is { State: not RoundState.Sampling } current)
            wire.Rounds.Add(ToWire(current));
        return wire;
    }

    /// <summary>An adapter as the one blob that the store holds, for operators.</summary>
    internal static Wire.AdapterRef Whole(AdapterRef adapter) => new()
    {
        Sha256 = adapter.Sha256,
        Parts = { new Wire.BlobRef { Sha256 = adapter.Sha256, Size = adapter.Bytes, Encoding = Wire.BlobEncoding.Safetensors } },
    };

    private static Wire.RoundView ToWire(RoundSummary round, IReadOnlyList<NodeInRound> nodes)
    {
        var wire = new Wire.RoundView
        {
            Round = (uint)round.Round,
            Attempt = (uint)round.Attempt,
            State = Wire.RoundState.Committed,
            OpenedUnixMs = round.OpenedAt.ToUnixTimeMilliseconds(),
            ClosedUnixMs = round.CommittedAt.ToUnixTimeMilliseconds(),
            Quorum = (uint)round.Quorum,
            AdapterSha256 = round.Adapter.Sha256,
            ServerMs = round.ServerMs,
            Updates = (uint)round.Updates,
            Nodes = { nodes.Select(ToWire) },
        };
        if (round.Loss is { } loss)
            wire.Loss = loss;
        if (round.AggregationError is { } error)
            wire.AggregationError = error;
        if (round.AggregationStandardError is { } standardError)
            wire.AggregationStandardError = standardError;
        return wire;
    }

    private static Wire.RoundView ToWire(RoundView round) => new()
    {
        Round = (uint)round.Round,
        Attempt = (uint)round.Attempt,
        State = round.State switch
        {
            RoundState.Aggregating => Wire.RoundState.Aggregating,
            RoundState.Committed => Wire.RoundState.Committed,
            _ => Wire.RoundState.Open,
        },
        OpenedUnixMs = round.OpenedAt?.ToUnixTimeMilliseconds() ?? 0,
        DeadlineUnixMs = round.Deadline?.ToUnixTimeMilliseconds() ?? 0,
        Quorum = (uint)round.Quorum,
        Nodes = { round.Nodes.Select(ToWire) },
        Updates = (uint)round.Nodes.Count(node => node.UpdateIn),
    };

    private static Wire.NodeInRound ToWire(NodeInRound node)
    {
        var wire = new Wire.NodeInRound
        {
            NodeId = node.NodeId,
            Name = node.Name,
            Phase = (Wire.TaskPhase)node.Phase,
            UpdateIn = node.UpdateIn,
            Step = (uint)node.Step,
            Steps = (uint)node.Steps,
            ExampleCount = (ulong)node.ExampleCount,
            UpdateBytes = node.UpdateBytes,
            Receipt = node.Receipt is { } receipt ? receipt.ToWire() : null,
            Reason = node.Reason,
        };
        if (node.Loss is { } loss)
            wire.Loss = loss;
        return wire;
    }
}
