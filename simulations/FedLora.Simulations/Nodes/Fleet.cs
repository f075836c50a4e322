using FedLora.Federations.Cohorts;
using FedLora.Federations.Definitions;
using FedLora.Simulations.Data;
using FedLora.Simulations.Scenarios;

namespace FedLora.Simulations.Nodes;

/// <summary>
/// The virtual nodes. A node is a view on data, a group and a seed: what it is like is drawn again whenever it is asked for, so that an
/// idle one takes some 200 bytes, its name included.
/// </summary>
internal sealed class Fleet
{
    private readonly ScenarioDefinition _scenario;
    private readonly Kind[] _kinds;
    private readonly byte[] _group;
    private readonly Dictionary<string, int> _byId;

    /// <param name="names">Ids and names that nodes have elsewhere, in the order of the nodes; null: node-1, node-2, ...</param>
    public Fleet(ScenarioDefinition scenario, FederationDefinition federation, Partition data,
        IReadOnlyList<(string Id, string Name)>? names = null)
    {
        (_scenario, Data) = (scenario, data);
        _kinds = scenario.Groups.Count == 0 ? [new("", new())] : [.. scenario.Groups.Select(group => new Kind(group.Key, group.Value))];
        _group = Groups();
        var profile = new NodeProfile { ModelFingerprints = [federation.BaseModel.Fingerprint] };
        All = new Candidate[scenario.Nodes];
        for (var i = 0; i < All.Length; i++)
        {
            var id = names?[i].Id ?? IdOf(i, scenario.Nodes);
            All[i] = new(new() { NodeId = id, Name = names?[i].Name ?? id, Group = _kinds[_group[i]].Name, Profile = profile });
        }

        InOrder = names is null;
        _byId = All.Index().ToDictionary(node => node.Item.Id, node => node.Index, StringComparer.Ordinal);
    }

    /// <summary>Id and name of a node: node-1 and on, as long as the last one's.</summary>
    public static string IdOf(int node, int nodes) => $"node-{(node + 1).ToString().PadLeft(nodes.ToString().Length, '0')}";

    public Partition Data { get; }

    /// <summary>The nodes as the coordinator sees them, by index; in the order of their ids where those are ours.</summary>
    public Candidate[] All { get; }

    /// <summary>They are in ordinal order of ids.</summary>
    public bool InOrder { get; }

    public int Count => All.Length;

    public int IndexOf(string id) => _byId[id];

    public string NameOf(int node) => All[node].Presence.Name;

    public string GroupOf(int node) => _kinds[_group[node]].Name;

    public GroupSpec KindOf(int node) => _kinds[_group[node]].Spec;

    /// <summary>Whether all nodes are there at any time.</summary>
    public bool AlwaysHere => _kinds.All(kind => kind.Spec.Availability >= 1);

    /// <summary>Whether a node is there at a time, seconds after the start.</summary>
    public bool IsHere(int node, double seconds)
    {
        var kind = KindOf(node);
        return kind.Availability >= 1
            || Draw.Uniform(_scenario.Seed, Draws.Here, node, (long)(seconds / kind.AvailabilityPeriod)) < kind.Availability;
    }

    /// <summary>A node's own value of a distribution.</summary>
    public double Value(int node, Draws what)
    {
        var kind = _kinds[_group[node]];
        var distribution = what switch
        {
            Draws.Download => kind.Download,
            Draws.Upload => kind.Upload,
            Draws.Step => kind.Step,
            _ => kind.Latency,
        };
        return distribution.Kind == "constant" ? distribution.First
            : distribution.At(Draw.Uniform(_scenario.Seed, what, node), Draw.Normal(_scenario.Seed, what, node));
    }

    /// <summary>Whether something of that probability happens to a node in a round's attempt.</summary>
    public bool Happens(int node, Draws what, double probability, int round, int attempt) =>
        probability > 0 && Draw.Uniform(_scenario.Seed, what, node, Occasion(round, attempt)) < probability;

    /// <summary>A share in [0, 1) of a node's attempt at a round.</summary>
    public double Moment(int node, int round, int attempt) => Draw.Uniform(_scenario.Seed, Draws.Moment, node, Occasion(round, attempt));

    private static long Occasion(int round, int attempt) => ((long)round << 16) + attempt;

    // Largest remainders, so that the counts add up; then interleaved, so that a few nodes show all groups.
    private byte[] Groups()
    {
        var open = _kinds.Count(kind => kind.Spec.Share == 0);
        var left = Math.Max(0, 1 - _kinds.Sum(kind => kind.Spec.Share));
        double[] shares = [.. _kinds.Select(kind => kind.Spec.Share > 0 ? kind.Spec.Share : left / open)];
        var (groups, given) = (new byte[_scenario.Nodes], new int[_kinds.Length]);
        for (var i = 0; i < groups.Length; i++)
        {
            var next = Enumerable.Range(0, shares.Length).MaxBy(kind => (shares[kind] * (i + 1)) - given[kind]);
            (groups[i], given[next]) = ((byte)next, given[next] + 1);
        }

        return groups;
    }

    private sealed class Kind(string name, GroupSpec spec)
    {
        public string Name => name;

        public GroupSpec Spec => spec;

        public Distribution Download { get; } = Read(spec.Download);

        public Distribution Upload { get; } = Read(spec.Upload);

        public Distribution Step { get; } = Read(spec.SecondsPerStep);

        public Distribution Latency { get; } = Read(spec.Latency);

        private static Distribution Read(string text) =>
            Distribution.Parse(text, out var why) ?? throw new FedLoraException("distribution-invalid", why, "mend the group's settings");
    }
}
