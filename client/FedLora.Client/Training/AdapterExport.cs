using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;

namespace FedLora.Client.Training;

/// <summary>A federation's result as a PEFT folder.</summary>
public static class AdapterExport
{
    /// <summary>The folder's content.</summary>
    /// <param name="definition">With layout.</param>
    /// <param name="global">The global adapter.</param>
    /// <param name="folds">Every fold so far, oldest first.</param>
    /// <exception cref="FedLoraException"><c>export-personalised</c>.</exception>
    public static PeftFolder ToPeft(FederationDefinition definition, AdapterState global, IReadOnlyList<AdapterState> folds)
    {
        var (adapter, layout) = Methods.Get(definition.Method).Export(global, folds, LayoutMapping.ToLayout(definition));
        var lora = definition.Lora;
        var config = new PeftConfig
        {
            Rank = layout.Rank,
            Alpha = layout.Alpha,
            Dropout = lora.Dropout,
            TargetModules = lora.TargetModules is [PeftModules.AllLinear] ? new PeftModules([], PeftModules.AllLinear) : PeftModules.Of([.. lora.TargetModules]),
            ModulesToSave = [.. lora.ModulesToSave],
            UseRsLora = layout.UseRsLora,
            TaskType = definition.Task.Classification is null ? "CAUSAL_LM" : "SEQ_CLS",
            BaseModel = definition.BaseModel.Name,
            RankPattern = [.. layout.Modules.Where(module => module.Rank is not null).Select(module => KeyValuePair.Create(module.Name, module.Rank!.Value))],
            AlphaPattern = [.. layout.Modules.Where(module => module.Alpha is not null).Select(module => KeyValuePair.Create(module.Name, module.Alpha!.Value))],
        };
        return new PeftFolder(config, adapter);
    }
}
