using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>What the server's step needs beside global adapter and updates.</summary>
/// <param name="Layout">The federation's layout; its rank is the largest.</param>
/// <param name="Method">The federation's settings of the method.</param>
/// <param name="Round">The round that closes, from 1.</param>
/// <param name="Seed">The federation's seed.</param>
public sealed record AggregationOptions(AdapterLayout Layout, MethodOptions Method, int Round, ulong Seed)
{
    /// <summary>How many threads may work; the result does not depend on it.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Measure the relative aggregation error; costs another pass for the inexact methods.</summary>
    public bool MeasureError { get; init; } = true;
}

/// <summary>The outcome of a round.</summary>
/// <param name="Global">The new global adapter.</param>
/// <param name="Fold">
/// For methods that fold: factors A and B per module whose plain product B A (scale 1) every node adds to its base weights, for good.
/// Base weights at any time are the pristine ones plus all folds so far, so a node that missed rounds fetches the folds it lacks.
/// </param>
/// <param name="Report">For people; not part of what is hashed.</param>
public sealed record AggregationResult(AdapterState Global, AdapterState? Fold, AggregationReport Report);

/// <summary>What happened in an aggregation.</summary>
/// <param name="Nodes">How many updates went in.</param>
/// <param name="RelativeError">
/// ||sum p_k s_k B_k A_k - new product||_F / ||sum p_k s_k B_k A_k||_F over all modules; null where not measured.
/// </param>
public sealed record AggregationReport(int Nodes, double? RelativeError)
{
    /// <summary>
    /// The standard error of <see cref="RelativeError"/>, where that was estimated by random probes, since comparing all pairs of updates
    /// would cost too much; null where it is exact, or not measured.
    /// </summary>
    public double? StandardError { get; init; }

    /// <summary>The nodes whose updates robust aggregation left out.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>The nodes whose change robust aggregation scaled down, with the L2 norm that it had.</summary>
    public IReadOnlyDictionary<string, double> Bounded { get; init; } = new Dictionary<string, double>();
}
