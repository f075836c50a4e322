using FedLora.Adapters;
using FedLora.Federations.Definitions;

namespace FedLora.Training.Models;

/// <summary>What a federation's definition says of the base model and the adapter on it.</summary>
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
}
