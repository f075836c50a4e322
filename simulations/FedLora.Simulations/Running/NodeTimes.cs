using FedLora.Simulations.Nodes;

namespace FedLora.Simulations.Running;

/// <summary>How a node's task goes, seconds after the start.</summary>
/// <param name="Start">It learns of its task.</param>
/// <param name="Begins">Training begins: once for each time that it starts again, the last one where it is not cut short.</param>
/// <param name="Downloaded">The adapter is there, the last time.</param>
/// <param name="Trained">Its update is made.</param>
/// <param name="End">The coordinator has it; or the node has given up; infinity where it vanishes.</param>
/// <param name="Fails">It gives up and says so.</param>
internal sealed record NodeTimes(double Start, IReadOnlyList<double> Begins, double Downloaded, double Trained, double End, bool Fails)
{
    private const double Megabyte = 1e6;

    /// <summary>Works out a task's course from what the node is like.</summary>
    /// <param name="down">Bytes.</param>
    /// <param name="up">Bytes.</param>
    /// <param name="steps">Optimiser steps.</param>
    public static NodeTimes Of(Fleet fleet, Outages outages, int node, int round, int attempt, double now, long down, long up, int steps)
    {
        var (kind, name, group) = (fleet.KindOf(node), fleet.NameOf(node), fleet.GroupOf(node));
        var slow = fleet.Happens(node, Draws.Straggler, kind.Stragglers, round, attempt) ? kind.StragglerFactor : 1;
        var latency = fleet.Value(node, Draws.Latency);
        var start = outages.CoordinatorAnswers(now + latency);
        var loading = slow * (latency + (down / Megabyte / fleet.Value(node, Draws.Download)));
        var training = slow * steps * fleet.Value(node, Draws.Step);
        // A node that starts again fetches and trains anew; what is made is kept, and its transfer goes on where it was.
        var tries = outages.Tries(name, group, start, loading + training);
        var trained = tries[^1].To;
        double[] begins = [.. tries.SkipLast(1).Where(one => one.From + loading <= one.To).Select(one => one.From + loading),
            trained - training];
        var end = outages.Ends(name, group, trained, slow * (latency + (up / Megabyte / fleet.Value(node, Draws.Upload))));
        if (fleet.Happens(node, Draws.DropOut, kind.DropOut, round, attempt))
            return new(start, begins, trained - training, trained, double.PositiveInfinity, false);
        return fleet.Happens(node, Draws.Failure, kind.Failures, round, attempt)
            ? new(start, begins, trained - training, trained, trained - training + (training * fleet.Moment(node, round, attempt)), true)
            : new(start, begins, trained - training, trained, outages.CoordinatorAnswers(end), false);
    }
}
