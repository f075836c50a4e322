using FedLora.Training.Data;
using FedLora.Training.Running;

namespace FedLora.Simulations.Trainers;

/// <summary>
/// How many nodes' steps go through the base model at once. It follows from what they train on alone, so that the same scenario gives the
/// same bytes on every machine and at every number of processes.
/// </summary>
internal static class Grouping
{
    /// <summary>Nodes at most: each has its factors and its optimiser in memory.</summary>
    public const int Most = 16;

    /// <summary>
    /// Rows (tokens, patches) of one node's step from which on the model is as busy with it alone: docs/speed.md has what was measured.
    /// </summary>
    public const int SmallStep = 1024;

    /// <param name="asked">The scenario's <c>nodes_together</c>; 0: by the size of their steps.</param>
    /// <param name="nodes">Of one round.</param>
    /// <param name="rows">That an example takes, see <see cref="MicroBatches.Rows"/>.</param>
    public static int NodesAtOnce(int asked, IReadOnlyList<CohortNode> nodes, Func<Example, int> rows)
    {
        // An optimiser that goes on from round to round is a node's own affair.
        if (nodes.Count < 2 || nodes.Any(node => node.Task.Recalled is not null))
            return 1;
        if (asked > 0)
            return asked;
        // Examples of a private step are gone through one by one in any case.
        if (nodes.Any(node => node.Task.Privacy is not null))
            return 1;
        var step = nodes.Average(node => Rows(node, rows));
        return step >= SmallStep ? 1 : (int)Math.Clamp(MicroBatches.RowsAtOnce / Math.Max(1, step), 1, Most);
    }

    // Of its mean step.
    private static double Rows(CohortNode node, Func<Example, int> rows) => node.Examples.Count == 0 ? 0
        : Math.Min(node.Task.Training.BatchSize, node.Examples.Count) * node.Examples.Average(rows);
}
