using FedLora.Federations.Definitions;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Protocol.Mapping;

/// <summary>A federation's definition, from the wire and back.</summary>
public static class DefinitionMapping
{
    public static FederationDefinition ToModel(this Wire.FederationDefinition wire) => new()
    {
        Name = wire.Name,
        BaseModel = new BaseModelSpec
        {
            Fingerprint = wire.BaseModel?.Fingerprint ?? "",
            Name = wire.BaseModel?.Name ?? "",
            Architecture = wire.BaseModel?.Architecture ?? "",
        },
        Task = wire.Task?.Classification is { } classification
            ? new TaskSpec { Kind = LearningTask.Classification, Labels = [.. classification.Labels] }
            : new TaskSpec { Kind = LearningTask.CausalLanguageModel },
        Method = wire.Method,
        MethodOptions = SettingsMapping.ToModel(wire.MethodOptions ?? new Wire.MethodOptions()),
        Lora = SettingsMapping.ToModel(wire.Lora ?? new Wire.LoraSettings()),
        Training = SettingsMapping.ToModel(wire.Training ?? new Wire.TrainingSettings()),
        Privacy = wire.Privacy is { } privacy ? SettingsMapping.ToModel(privacy) : null,
        Cohort = SettingsMapping.ToModel(wire.Cohort ?? new Wire.CohortRules()),
        Weighting = (Weighting)wire.Weighting,
        MaxWeight = wire.HasMaxWeight ? wire.MaxWeight : FederationDefinition.DefaultMaxWeight,
        Communication = SettingsMapping.ToModel(wire.Communication ?? new Wire.Communication()),
        Robust = SettingsMapping.ToModel(wire.Robust ?? new Wire.Robust()),
        Retention = SettingsMapping.ToModel(wire.Retention ?? new Wire.Retention()),
        Rounds = (int)wire.Rounds,
        Seed = wire.Seed,
        Layout = new LayoutSpec
        {
            Modules = [.. (wire.Layout?.Modules ?? [])
                .Select(module => new ModuleSpec { Name = module.Name, DOut = (int)module.DOut, DIn = (int)module.DIn })],
            Head = [.. (wire.Layout?.Head ?? [])
                .Select(head => new HeadSpec { Name = head.Name, Shape = [.. head.Shape.Select(size => (int)size)] })],
        },
        PublicCounts = wire.PublicCounts.ToDictionary(entry => entry.Key, entry => (long)entry.Value, StringComparer.Ordinal),
    };

    /// <param name="definition">The model's.</param>
    /// <param name="layout">Whether the layout goes along: operators get it, nodes know their model.</param>
    public static Wire.FederationDefinition ToWire(this FederationDefinition definition, bool layout)
    {
        var wire = new Wire.FederationDefinition
        {
            Name = definition.Name,
            BaseModel = new Wire.BaseModel
            {
                Fingerprint = definition.BaseModel.Fingerprint,
                Name = definition.BaseModel.Name,
                Architecture = definition.BaseModel.Architecture,
            },
            Task = definition.Task.Kind == LearningTask.Classification
                ? new Wire.LearningTask { Classification = new Wire.Classification { Labels = { definition.Task.Labels } } }
                : new Wire.LearningTask { CausalLanguageModel = new Wire.CausalLanguageModel() },
            Method = definition.Method,
            MethodOptions = SettingsMapping.ToWire(definition.MethodOptions),
            Lora = SettingsMapping.ToWire(definition.Lora),
            Training = SettingsMapping.ToWire(definition.Training),
            Privacy = definition.Privacy is { } privacy ? SettingsMapping.ToWire(privacy) : null,
            Cohort = SettingsMapping.ToWire(definition.Cohort),
            Weighting = (Wire.Weighting)definition.Weighting,
            MaxWeight = definition.MaxWeight,
            Communication = SettingsMapping.ToWire(definition.Communication),
            Robust = SettingsMapping.ToWire(definition.Robust),
            Retention = SettingsMapping.ToWire(definition.Retention),
            Rounds = (uint)definition.Rounds,
            Seed = definition.Seed,
        };
        foreach (var (node, count) in definition.PublicCounts)
            wire.PublicCounts[node] = (ulong)count;
        if (layout)
            wire.Layout = ToWire(definition.Layout);
        return wire;
    }

    private static Wire.AdapterLayout ToWire(LayoutSpec layout) => new()
    {
        Modules =
        {
            layout.Modules.Select(module => new Wire.LayoutModule { Name = module.Name, DOut = (uint)module.DOut, DIn = (uint)module.DIn }),
        },
        Head =
        {
            layout.Head.Select(head => new Wire.LayoutTensor { Name = head.Name, Shape = { head.Shape.Select(size => (uint)size) } }),
        },
    };
}
