namespace FedLora.Training.Optimization;

/// <summary>What AdamW remembers of its steps, for another run over the same tensors to go on with.</summary>
/// <param name="Steps">Steps done.</param>
/// <param name="Mean">m, one for each trained number in the order of the parameters; empty before the first step.</param>
/// <param name="Square">v, likewise.</param>
public sealed record OptimizerMemory(int Steps, float[] Mean, float[] Square)
{
    /// <summary>Of nothing yet.</summary>
    public static OptimizerMemory Empty { get; } = new(0, [], []);
}
