namespace FedLora.Federations.Cohorts;

/// <summary>
/// Which nodes a federation has heard of lately. Not stored: whoever is there polls or reports again. Every operation is O(1) on average
/// but
/// <see cref="At"/>, which is O(n). Not safe for several threads.
/// </summary>
/// <param name="refusal">Why a node cannot take part; empty if it can.</param>
public sealed class NodesHere(Func<NodePresence, string> refusal)
{
    /// <summary>A node that has not been heard of for this long is not sampled.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(90);

    private readonly Dictionary<string, Node> _nodes = new(StringComparer.Ordinal);
    private readonly LinkedList<string> _longestSilent = new();
    private DateTimeOffset _now = DateTimeOffset.MinValue;

    /// <summary>Changes with every node that came, went, or said something new.</summary>
    public int Version { get; private set; }

    /// <summary>Nodes that are there and may take part, as far as is known.</summary>
    public int Fit { get; private set; }

    /// <summary>All nodes that are there.</summary>
    public int Count => _nodes.Count;

    /// <summary>A poll: it is there and says this of itself. True where that is news.</summary>
    public bool Note(NodePresence presence, DateTimeOffset now)
    {
        Forget(now);
        if (_nodes.TryGetValue(presence.NodeId, out var node))
        {
            Touch(node, now);
            if (Same(node.Presence, presence))
                return false;
            // What its budget was asked for no longer holds where it tells another balance.
            Replace(node, presence,
                node.Presence.Profile?.Balances is { } before && presence.Profile is { } after && SameBalances(before, after.Balances)
                    ? node.Budget : null);
            return true;
        }

        Add(presence, now);
        return true;
    }

    /// <summary>A report on a round: it is there, whatever else is known of it.</summary>
    public void Heard(NodePresence presence, int round, DateTimeOffset now)
    {
        Forget(now);
        if (_nodes.TryGetValue(presence.NodeId, out var node))
            Touch(node, now);
        else
            node = Add(presence, now);
        node.Working = round;
    }

    /// <summary>Whether the round fits the privacy limit of a node: empty if so, else why not.</summary>
    public void Answer(string nodeId, string budget)
    {
        if (_nodes.TryGetValue(nodeId, out var node))
            Replace(node, node.Presence, budget);
    }

    /// <summary>Budgets are asked for anew: another round, or receipts have come in.</summary>
    public void ForgetBudgets()
    {
        foreach (var node in _nodes.Values)
            Replace(node, node.Presence, null);
    }

    /// <summary>The node is no longer one.</summary>
    public void Remove(string nodeId)
    {
        if (_nodes.Remove(nodeId, out var node))
        {
            _longestSilent.Remove(node.Place);
            Tally(node, -1);
        }
    }

    /// <summary>Whether the node is there and may take part, as far as is known.</summary>
    public bool IsFit(string nodeId) => _nodes.TryGetValue(nodeId, out var node) && IsFit(node);

    public NodePresence? Find(string nodeId) => _nodes.GetValueOrDefault(nodeId)?.Presence;

    /// <summary>The nodes that are there, with why one cannot take part.</summary>
    public IReadOnlyList<(Candidate Candidate, string Refusal)> At(DateTimeOffset now, int round)
    {
        Forget(now);
        return [.. _nodes.Values.Select(node => (new Candidate(node.Presence, node.Working == round, node.Budget), node.Refusal))];
    }

    /// <summary>Drops who was silent for too long. A clock that was set back makes nobody younger.</summary>
    public void Forget(DateTimeOffset now)
    {
        if (now < _now)
        {
            foreach (var node in _nodes.Values)
                node.Seen -= _now - now;
        }

        _now = now;
        while (_longestSilent.First is { } first && _nodes[first.Value].Seen < now - Window)
            Remove(first.Value);
    }

    private Node Add(NodePresence presence, DateTimeOffset now)
    {
        var node = new Node
        {
            Presence = presence,
            Seen = now,
            Place = _longestSilent.AddLast(presence.NodeId),
            Refusal = refusal(presence),
        };
        _nodes.Add(presence.NodeId, node);
        Tally(node, 1);
        return node;
    }

    private void Touch(Node node, DateTimeOffset now)
    {
        node.Seen = now;
        _longestSilent.Remove(node.Place);
        _longestSilent.AddLast(node.Place);
    }

    private void Replace(Node node, NodePresence presence, string? budget)
    {
        Tally(node, -1);
        (node.Presence, node.Refusal, node.Budget) = (presence, refusal(presence), budget);
        Tally(node, 1);
    }

    private void Tally(Node node, int by)
    {
        Version++;
        if (IsFit(node))
            Fit += by;
    }

    private static bool IsFit(Node node) => node.Refusal.Length == 0 && string.IsNullOrEmpty(node.Budget);

    private static bool Same(NodePresence one, NodePresence other) =>
        ReferenceEquals(one, other)
            || (one.Refused == other.Refused && one.Start == other.Start && one.Group == other.Group && one.Name == other.Name
                && Same(one.Profile, other.Profile));

    private static bool Same(NodeProfile? one, NodeProfile? other) => one is null || other is null ? one == other
        : one.MaxRank == other.MaxRank && one.ExampleCount == other.ExampleCount && one.Version == other.Version
            && one.ModelFingerprints.SequenceEqual(other.ModelFingerprints, StringComparer.Ordinal)
            && one.Labels.SequenceEqual(other.Labels, StringComparer.Ordinal)
            && SameBalances(one.Balances, other.Balances);

    private static bool SameBalances(IReadOnlyList<PrivacyBalance> one, IReadOnlyList<PrivacyBalance> other) =>
        one.Count == other.Count
            && one.Zip(other)
                .All(pair => pair.First with { Runs = pair.Second.Runs } == pair.Second && pair.First.Runs.SequenceEqual(pair.Second.Runs));

    private sealed class Node
    {
        public required NodePresence Presence { get; set; }

        public required DateTimeOffset Seen { get; set; }

        public required LinkedListNode<string> Place { get; init; }

        public required string Refusal { get; set; }

        public string? Budget { get; set; }

        public int Working { get; set; }
    }
}
