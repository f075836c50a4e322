using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Models;

namespace FedLora.Client.Training;

/// <summary>A definition made whole with what only a base model can tell: fingerprint, layout, and the adapter to start from.</summary>
/// <param name="Definition">Whole.</param>
/// <param name="InitialAdapter">Before round 1.</param>
public sealed record FederationPreparation(FederationDefinition Definition, AdapterState InitialAdapter)
{
    /// <summary>Looks at the operator's copy of the base model. Its weights are read only for methods that start from them.</summary>
    /// <exception cref="FedLoraException">The model cannot be read, has none of the target modules, or the method refuses the settings.</exception>
    public static FederationPreparation Prepare(FederationDefinition definition, string modelFolder)
    {
        var load = DefinitionSettings.Load(definition) with { Compute = ComputeType.F32 };
        var architecture = ModelFamily.ReadFolder(modelFolder, load.Task, load.Labels);
        var peft = DefinitionSettings.Peft(definition, architecture);
        var layout = ModelLayout.For(architecture, peft);
        var method = Methods.Get(definition.Method);
        var options = MethodMapping.ToOptions(definition);
        method.Check(layout, options, [(int)definition.Lora.Rank, .. definition.Lora.RankGroups.Values.Select(rank => (int)rank)]);
        var whole = definition.Clone();
        whole.BaseModel = new Protocol.V1.BaseModel
        {
            Fingerprint = ModelFingerprint.Of(modelFolder),
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder))),
            Architecture = architecture.Names.Base,
        };
        whole.Lora.ModulesToSave.Clear();
        whole.Lora.ModulesToSave.AddRange(peft.ModulesToSave);
        whole.Layout = LayoutMapping.ToWire(layout);
        if (!method.Traits.StartsFromWeights)
            return new FederationPreparation(whole, method.Initialize(layout, options, definition.Seed));
        using var model = FedLora.Training.Models.BaseModel.Load(modelFolder, load);
        return new FederationPreparation(whole, method.Initialize(layout, options, definition.Seed, model));
    }
}
