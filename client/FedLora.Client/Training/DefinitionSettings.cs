using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Client.Training;

/// <summary>From a federation's definition to what the training engine takes.</summary>
public static class DefinitionSettings
{
    /// <summary>How the base model is loaded.</summary>
    public static LoadOptions Load(FederationDefinition definition) => new()
    {
        Task = definition.Task.Kind == LearningTask.Classification ? ModelTask.Classification : ModelTask.CausalLanguageModelling,
        Labels = definition.Task.Kind == LearningTask.Classification ? [.. definition.Task.Labels] : null,
        Compute = definition.Training.Dtype switch
        {
            "f32" => ComputeType.F32,
            "bf16" => ComputeType.BF16,
            _ => ComputeType.Auto,
        },
    };

    /// <summary>
    /// The LoRA settings as PEFT has them; for a classifier that names no module to save, its head is saved as PEFT does it.
    /// </summary>
    public static PeftConfig Peft(FederationDefinition definition, Architecture model)
    {
        var lora = definition.Lora;
        var settings = ModelLayout.Settings(model, lora.Rank, lora.Alpha, lora.Dropout, [.. lora.TargetModules]);
        return settings with
        {
            UseRsLora = lora.RsLora,
            ModulesToSave = lora.ModulesToSave.Count > 0 ? [.. lora.ModulesToSave] : settings.ModulesToSave,
        };
    }

    /// <summary>
    /// The training settings of one round. A schedule runs over all rounds: the rate of a round is its value at the round's start.
    /// </summary>
    public static TrainingSettings Training(FederationDefinition definition, int round, ulong seed)
    {
        var training = definition.Training;
        var done = (round - 1) / (double)Math.Max(1, definition.Rounds);
        var share = training.Schedule switch
        {
            "linear" => 1 - done,
            "cosine" => (1 + Math.Cos(Math.PI * done)) / 2,
            _ => 1,
        };
        return new TrainingSettings
        {
            Steps = training.LocalSteps,
            BatchSize = training.BatchSize,
            LearningRate = training.LearningRate * share,
            Optimizer = training.Optimizer == "sgd" ? OptimizerKind.Sgd : OptimizerKind.AdamW,
            WeightDecay = training.WeightDecay,
            MaxGradientNorm = training.MaxGradNorm > 0 ? training.MaxGradNorm : null,
            Seed = seed,
        };
    }
}
