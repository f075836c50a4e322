using FedLora.Simulations.Scenarios;

namespace FedLora.Simulations.Nodes;

/// <summary>The scenario's outages: when somebody is away, and when whatever waits for it goes on.</summary>
internal sealed class Outages
{
    private const string Coordinator = "coordinator";
    private readonly Dictionary<string, (double From, double To)[]> _away;

    public Outages(ScenarioDefinition scenario) => _away = scenario.Outages.Values
        .GroupBy(outage => ScenarioRules.NodeNumber(outage.Who, scenario.Nodes) is { } node ? Fleet.IdOf(node, scenario.Nodes) : outage.Who,
            StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.Select(outage => (outage.At, outage.At + outage.For)).Order().ToArray(),
            StringComparer.Ordinal);

    /// <summary>When the coordinator comes back, s after the start.</summary>
    public IEnumerable<double> Returns => _away.GetValueOrDefault(Coordinator, []).Select(away => away.To);

    /// <summary>The first time from <paramref name="seconds"/> on at which the coordinator answers.</summary>
    public double CoordinatorAnswers(double seconds) => Free(Coordinator, seconds);

    /// <summary>Whether a node, or all of its group, is away.</summary>
    public bool IsAway(string name, string group, double seconds) =>
        _away.Count > 0 && (Free(name, seconds) > seconds || Free(group, seconds) > seconds);

    /// <summary>When work that takes <paramref name="length"/> s and must begin anew after an outage ends.</summary>
    public double Ends(string name, string group, double start, double length) =>
        _away.Count == 0 ? start + length : Tries(name, group, start, length)[^1].To;

    /// <summary>Every beginning of such work, and when it ends: by an outage, the last one by itself.</summary>
    public IReadOnlyList<(double From, double To)> Tries(string name, string group, double start, double length)
    {
        var tries = new List<(double From, double To)>();
        foreach (var (from, to) in _away.GetValueOrDefault(name, []).Concat(_away.GetValueOrDefault(group, [])).Order())
        {
            if (from >= start + length || to <= start)
                continue;
            if (from > start)
                tries.Add((start, from));
            start = to;
        }

        return [.. tries, (start, start + length)];
    }

    private double Free(string who, double seconds)
    {
        foreach (var (from, to) in _away.GetValueOrDefault(who, []))
        {
            if (from <= seconds && seconds < to)
                seconds = to;
        }

        return seconds;
    }
}
