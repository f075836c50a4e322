using FedLora.Adapters;
using FedLora.Training.Running;

namespace FedLora.Simulations.Trainers;

/// <summary>
/// What trains at the virtual nodes: tasks in, updates out. Rounds, time, cohorts and budgets are the simulator's, whatever trains.
/// </summary>
internal interface INodeWork : IDisposable
{
    /// <summary>Trains nodes of one round; each result depends on its own task alone, whoever else is trained beside it.</summary>
    IReadOnlyList<NodeResult> Train(RoundWork round, IReadOnlyList<NodeTask> tasks, CancellationToken cancellationToken);

    /// <summary>Takes back what the updates of a round were held in, once nobody reads them any more.</summary>
    void Release(IEnumerable<NodeResult> results)
    {
    }

    /// <summary>How well the global adapter does on examples that no node has; null where there are none.</summary>
    Evaluation? Evaluate(RoundWork next, CancellationToken cancellationToken);
}

/// <summary>One node's part in a round.</summary>
/// <param name="Node">Its index.</param>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Group">Its group.</param>
/// <param name="Rank">Of its factors.</param>
/// <param name="Attempt">From 1.</param>
internal sealed record NodeTask(int Node, string Id, string Name, string Group, int Rank, int Attempt);

/// <summary>What a node made.</summary>
internal sealed record NodeResult
{
    /// <summary>The factors sent, whole; null where they travel sparsely, or there is an error.</summary>
    public AdapterState? Update { get; init; }

    /// <summary>The change as the sparse codec writes it; null where the update travels whole.</summary>
    public byte[]? Sparse { get; init; }

    public long Examples { get; init; }

    public int Steps { get; init; }

    /// <summary>Mean over the steps; null if there is none.</summary>
    public double? Loss { get; init; }

    /// <summary>Why there is no update; null where there is one.</summary>
    public FedLoraException? Error { get; init; }
}
