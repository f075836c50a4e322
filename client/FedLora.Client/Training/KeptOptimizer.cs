using FedLora.Adapters;
using FedLora.Training.Optimization;

namespace FedLora.Client.Training;

/// <summary>
/// What the optimiser of a federation's rounds remembers, in the node's own folder: a file per round as with <see cref="KeptFactors"/>, so
/// that a round that is trained again starts as it did.
/// </summary>
internal static class KeptOptimizer
{
    private const string Folder = "optimizer";
    private const string Mean = "mean";
    private const string Square = "square";
    private const string Steps = "steps";

    // A float32 counts to 2^24; beyond, the bias that the count corrects is long gone.
    private const int MostSteps = 1 << 24;

    /// <summary>What the last round before this one left; empty if there was none.</summary>
    public static OptimizerMemory Load(string folder, uint round)
    {
        var home = Path.Combine(folder, Folder);
        return Directory.Exists(home) && KeptFactors.Load(home, round) is { } kept
            ? new((int)kept[Steps].Values[0], kept[Mean].Values, kept[Square].Values) : OptimizerMemory.Empty;
    }

    /// <summary>Keeps what this round leaves.</summary>
    public static void Save(string folder, uint round, OptimizerMemory memory)
    {
        var home = Path.Combine(folder, Folder);
        Directory.CreateDirectory(home);
        KeptFactors.Save(home, round, new AdapterState(
        [
            new(Mean, [memory.Mean.Length], memory.Mean),
            new(Square, [memory.Square.Length], memory.Square),
            new(Steps, [1], [Math.Min(memory.Steps, MostSteps)]),
        ]));
    }
}
