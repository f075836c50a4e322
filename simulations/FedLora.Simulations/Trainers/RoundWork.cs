using System.Collections.Concurrent;
using FedLora.Adapters;
using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Federations.Updates;
using FedLora.Protocol.Mapping;
using FedLora.Simulations.Nodes;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Simulations.Trainers;

/// <summary>What all nodes of a round have in common.</summary>
/// <param name="Definition">Whole.</param>
/// <param name="Round">From 1.</param>
/// <param name="Global">The global adapter before the round, as the coordinator has it.</param>
/// <param name="Folds">Products of earlier rounds to fold into the base weights, oldest first.</param>
internal sealed record RoundWork(FederationDefinition Definition, int Round, AdapterState Global, IReadOnlyList<AdapterState> Folds,
    Fleet Fleet, Ledgers Ledgers)
{
    // Asked by the threads that train.
    private readonly ConcurrentDictionary<double, (AdapterState Adapter, long Bytes)> _received = [];
    private readonly ConcurrentDictionary<(double Sigma, double Rate), Wire.FederationDefinition> _terms = [];

    /// <summary>
    /// The global adapter as nodes of a group get it, and the bytes that this takes where nothing is there from earlier rounds.
    /// </summary>
    public (AdapterState Adapter, long Bytes) Received(string group)
    {
        var density = Definition.DensityOf(group).Down;
        if (_received.TryGetValue(density, out var known))
            return known;
        return _received[density] = Definition.IsSparseDown(density) ? Masked(density)
            : (Global, SafetensorsWriter.FileLength([.. Global.Select(tensor => (tensor.Name, tensor.Shape))]));
    }

    /// <summary>The task as the coordinator would send it, its own noise and rate stated.</summary>
    public Wire.TrainingTask TaskOf(NodeTask node, NodePrivacy? privacy)
    {
        var density = Definition.DensityOf(node.Group);
        return new()
        {
            Federation = Definition.Name,
            Round = (uint)Round,
            Attempt = (uint)node.Attempt,
            Definition = Terms(privacy),
            Rank = (uint)node.Rank,
            DensityDown = density.Down,
            DensityUp = density.Up,
        };
    }

    /// <summary>The seed of a node's part.</summary>
    public ulong SeedOf(string name) => RoundSeed.Of(Definition.Seed, Definition.Name, Round, name);

    private Wire.FederationDefinition Terms(NodePrivacy? row)
    {
        var key = (row?.NoiseMultiplier ?? 0, row?.SamplingRate ?? 0);
        if (_terms.TryGetValue(key, out var known))
            return known;
        var stated = row is null ? Definition
            : Definition with
            {
                Privacy = Definition.Privacy! with { NoiseMultiplier = row.NoiseMultiplier, SamplingRate = row.SamplingRate },
            };
        return _terms[key] = stated.ToWire(layout: false);
    }

    private (AdapterState Adapter, long Bytes) Masked(double density)
    {
        var down = SparseDownlink.Of(Global, Definition, Round, density);
        var layout = VectorLayout.Of(Global.Only(Definition.SentFactors(Round)));
        var sparse = layout.Unflatten(SparseCodec.Decode(down.Sparse, layout.Length, layout.Digest.Span).ToDense());
        return (new(down.Whole.Concat(sparse)),
            down.Sparse.Length + SafetensorsWriter.FileLength([.. down.Whole.Select(tensor => (tensor.Name, tensor.Shape))]));
    }
}
