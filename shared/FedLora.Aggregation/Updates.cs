using System.Collections;

namespace FedLora.Aggregation;

/// <summary>
/// One node's stored update. It is opened once per pass and read tensor by tensor, so that aggregation never holds all of them.
/// </summary>
public interface IUpdate
{
    /// <summary>The node's id, unique within a round.</summary>
    string Node { get; }

    /// <summary>How many examples it was trained on, at least 1.</summary>
    long Examples { get; }

    /// <summary>Opens the update for one pass.</summary>
    IUpdateReader Open();
}

/// <summary>One pass over an update. Several threads may read from it at once.</summary>
public interface IUpdateReader : IDisposable
{
    /// <summary>Shapes by tensor name.</summary>
    IReadOnlyDictionary<string, int[]> Shapes { get; }

    /// <summary>Copies a tensor's values, row-major, into a place of its length.</summary>
    void Read(string name, Span<float> values);

    /// <summary>The values themselves, where they lie in memory; else nothing, and they are to be read.</summary>
    ReadOnlyMemory<float>? InPlace(string name) => null;
}

/// <summary>The updates of a round, always in ordinal order of node ids, whatever order they came in.</summary>
public sealed class UpdateSet : IReadOnlyList<IUpdate>
{
    private readonly IUpdate[] _updates;

    /// <exception cref="FedLoraException"><c>update-set-empty</c>, <c>update-duplicate</c> or <c>update-examples</c>.</exception>
    public UpdateSet(IEnumerable<IUpdate> updates)
    {
        _updates = [.. updates.OrderBy(u => u.Node, StringComparer.Ordinal)];
        if (_updates.Length == 0)
            throw new FedLoraException("update-set-empty", "There is no update to aggregate.", "A round needs at least one update.");
        for (var i = 0; i < _updates.Length; i++)
        {
            if (i > 0 && _updates[i].Node == _updates[i - 1].Node)
                throw new FedLoraException("update-duplicate", $"Node '{_updates[i].Node}' has two updates in one round.",
                    "A node counts once per round.");
            if (_updates[i].Examples < 1)
                throw new FedLoraException("update-examples", $"Node '{_updates[i].Node}' states {_updates[i].Examples} examples.",
                    "An update is trained on at least one example.");
        }
    }

    public int Count => _updates.Length;

    public IUpdate this[int index] => _updates[index];

    /// <summary>p_k in node order, summing to 1.</summary>
    public double[] Weights(Weighting weighting)
    {
        var total = _updates.Sum(u => (double)u.Examples);
        return [.. _updates.Select(u => weighting == Weighting.Uniform ? 1.0 / _updates.Length : u.Examples / total)];
    }

    public IEnumerator<IUpdate> GetEnumerator() => ((IEnumerable<IUpdate>)_updates).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
