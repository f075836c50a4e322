using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Training.Memory;

/// <summary>What a federation's definition takes at a node.</summary>
public static class TaskMemory
{
    /// <summary>Estimates, from the definition and the base model's config.</summary>
    /// <param name="definition">The federation's.</param>
    /// <param name="modelFolder">The node's base model.</param>
    /// <param name="round">From 1: some methods train other factors in other rounds.</param>
    /// <param name="rank">The node's own; 0: the federation's.</param>
    /// <exception cref="FedLoraException"><c>model-config-invalid</c>, <c>adapter-target-missing</c>, ...: the node could not train
    /// it.</exception>
    public static MemoryEstimate Of(FederationDefinition definition, string modelFolder, int round, int rank)
    {
        var load = DefinitionSettings.Load(definition);
        var model = ModelFamily.ReadFolder(modelFolder, load.Task, load.Labels, load.ConfigFile);
        var peft = DefinitionSettings.Peft(definition, model);
        var layout = ModelLayout.For(model, rank > 0 ? peft with { Rank = Math.Max(rank, peft.Rank) } : peft);
        // At a stated rate the batch says nothing of how many are drawn.
        double batch = definition.Privacy is { SamplingRate: > 0 } ? MicroBatches.RowsAtOnce : definition.Training.BatchSize;
        var compute = load.Compute == ComputeType.Auto ? ComputeChoice.ForThisMachine() : load.Compute;
        return MemoryEstimate.Of(model, layout, Methods.Get(definition.Method).Trained(round, definition.ToMethodOptions()),
            definition.TrainingOf(round), definition.Privacy is not null, batch, compute, definition.Lora.Dropout);
    }
}
