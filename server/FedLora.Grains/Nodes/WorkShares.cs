namespace FedLora.Grains.Nodes;

/// <summary>
/// How federations share a node: the one whose work it did longest ago is asked first, so that none is starved by another's name, and the
/// tasks that it was given are counted.
/// </summary>
internal sealed class WorkShares
{
    private readonly Dictionary<string, long> _served = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Round, int Attempt)> _given = new(StringComparer.Ordinal);

    /// <summary>Tasks by federation.</summary>
    public Dictionary<string, int> Tasks { get; init; } = [];

    /// <summary>Those that are asked first, first.</summary>
    public IEnumerable<FederationEntry> InTurn(IEnumerable<FederationEntry> federations) =>
        federations.OrderBy(entry => _served.GetValueOrDefault(entry.Name));

    /// <summary>It was given a task; the same one, with every poll until it is done, counts once.</summary>
    public void Note(TrainingTask task)
    {
        _served[task.Federation] = _served.Values.DefaultIfEmpty().Max() + 1;
        if (_given.GetValueOrDefault(task.Federation) == (task.Round, task.Attempt))
            return;
        _given[task.Federation] = (task.Round, task.Attempt);
        Tasks[task.Federation] = Tasks.GetValueOrDefault(task.Federation) + 1;
    }
}
