using FedLora.Federations.Definitions;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Protocol.Mapping;

/// <summary>The sections of a definition, from the wire and back.</summary>
internal static class SettingsMapping
{
    internal static MethodSpec ToModel(Wire.MethodOptions wire) => new()
    {
        Init = wire.Init,
        InitStep = wire.HasInitStep ? wire.InitStep : null,
        Lambda = wire.HasLambda ? wire.Lambda : null,
        Solver = wire.Solver,
        TruncateRank = (int)wire.TruncateRank,
        FreezeHead = wire.FreezeHead,
    };

    internal static Wire.MethodOptions ToWire(MethodSpec spec)
    {
        var wire = new Wire.MethodOptions
        {
            Init = spec.Init,
            Solver = spec.Solver,
            TruncateRank = (uint)spec.TruncateRank,
            FreezeHead = spec.FreezeHead,
        };
        if (spec.InitStep is { } step)
            wire.InitStep = step;
        if (spec.Lambda is { } lambda)
            wire.Lambda = lambda;
        return wire;
    }

    internal static LoraSpec ToModel(Wire.LoraSettings wire) => new()
    {
        Rank = (int)wire.Rank,
        Alpha = wire.Alpha,
        Dropout = wire.Dropout,
        TargetModules = [.. wire.TargetModules],
        ModulesToSave = [.. wire.ModulesToSave],
        RsLora = wire.Rslora,
        RankGroups = wire.RankGroups.ToDictionary(entry => entry.Key, entry => (int)entry.Value, StringComparer.Ordinal),
    };

    internal static Wire.LoraSettings ToWire(LoraSpec spec)
    {
        var wire = new Wire.LoraSettings
        {
            Rank = (uint)spec.Rank,
            Alpha = spec.Alpha,
            Dropout = spec.Dropout,
            TargetModules = { spec.TargetModules },
            ModulesToSave = { spec.ModulesToSave },
            Rslora = spec.RsLora,
        };
        foreach (var (group, rank) in spec.RankGroups)
            wire.RankGroups[group] = (uint)rank;
        return wire;
    }

    internal static TrainingSpec ToModel(Wire.TrainingSettings wire) => new()
    {
        LocalSteps = (int)wire.LocalSteps,
        BatchSize = (int)wire.BatchSize,
        Optimizer = wire.Optimizer,
        KeepOptimizer = wire.KeepOptimizer,
        LearningRate = wire.LearningRate,
        WeightDecay = wire.WeightDecay,
        MaxGradNorm = wire.MaxGradNorm,
        MaxTokens = (int)wire.MaxTokens,
        Schedule = wire.Schedule,
        Dtype = wire.Dtype,
        MaxUpdateNorm = wire.HasMaxUpdateNorm ? wire.MaxUpdateNorm : new TrainingSpec().MaxUpdateNorm,
    };

    internal static Wire.TrainingSettings ToWire(TrainingSpec spec) => new()
    {
        LocalSteps = (uint)spec.LocalSteps,
        BatchSize = (uint)spec.BatchSize,
        Optimizer = spec.Optimizer,
        KeepOptimizer = spec.KeepOptimizer,
        LearningRate = spec.LearningRate,
        WeightDecay = spec.WeightDecay,
        MaxGradNorm = spec.MaxGradNorm,
        MaxTokens = (uint)spec.MaxTokens,
        Schedule = spec.Schedule,
        Dtype = spec.Dtype,
        MaxUpdateNorm = spec.MaxUpdateNorm,
    };

    internal static PrivacySpec ToModel(Wire.PrivacyTerms wire) => new()
    {
        Epsilon = wire.Epsilon,
        Delta = wire.Delta,
        ClipNorm = wire.ClipNorm,
        NoiseMultiplier = wire.NoiseMultiplier,
        SamplingRate = wire.SamplingRate,
        Accountant = wire.Accountant.Length == 0 ? new PrivacySpec().Accountant : wire.Accountant,
    };

    internal static Wire.PrivacyTerms ToWire(PrivacySpec spec) => new()
    {
        Epsilon = spec.Epsilon,
        Delta = spec.Delta,
        ClipNorm = spec.ClipNorm,
        NoiseMultiplier = spec.NoiseMultiplier,
        SamplingRate = spec.SamplingRate,
        Accountant = spec.Accountant,
    };

    internal static CohortSpec ToModel(Wire.CohortRules wire) => new()
    {
        Size = (int)wire.Size,
        Fraction = wire.Fraction,
        OverSelect = wire.OverSelect == 0 ? 1 : wire.OverSelect,
        Quorum = (int)wire.Quorum,
        Deadline = TimeSpan.FromSeconds(wire.DeadlineSeconds == 0 ? 3600 : wire.DeadlineSeconds),
        MaxRepeats = wire.MaxRepeats == 0 ? 3 : (int)wire.MaxRepeats,
        MinNodes = (int)wire.MinNodes,
        Wait = wire.HasWaitSeconds ? TimeSpan.FromSeconds(wire.WaitSeconds) : new CohortSpec().Wait,
        SamplingTimeout = wire.SamplingTimeoutSeconds == 0 ? new CohortSpec().SamplingTimeout
            : TimeSpan.FromSeconds(wire.SamplingTimeoutSeconds),
    };

    internal static Wire.CohortRules ToWire(CohortSpec spec) => new()
    {
        Size = (uint)spec.Size,
        Fraction = spec.Fraction,
        OverSelect = spec.OverSelect,
        Quorum = (uint)spec.Quorum,
        DeadlineSeconds = (uint)spec.Deadline.TotalSeconds,
        MaxRepeats = (uint)spec.MaxRepeats,
        MinNodes = (uint)spec.MinNodes,
        WaitSeconds = (uint)spec.Wait.TotalSeconds,
        SamplingTimeoutSeconds = (uint)spec.SamplingTimeout.TotalSeconds,
    };

    internal static RetentionSpec ToModel(Wire.Retention wire) => new()
    {
        UpdateRounds = wire.HasUpdateRounds ? wire.UpdateRounds : new RetentionSpec().UpdateRounds,
        AdapterRounds = wire.HasAdapterRounds ? wire.AdapterRounds : new RetentionSpec().AdapterRounds,
    };

    internal static Wire.Retention ToWire(RetentionSpec spec) =>
        new() { UpdateRounds = spec.UpdateRounds, AdapterRounds = spec.AdapterRounds };

    internal static RobustSpec ToModel(Wire.Robust wire) => new()
    {
        Rule = wire.Rule.Length == 0 ? new RobustSpec().Rule : wire.Rule,
        Outliers = wire.Outliers == 0 ? new RobustSpec().Outliers : (int)wire.Outliers,
        NormBound = wire.NormBound,
    };

    internal static Wire.Robust ToWire(RobustSpec spec) =>
        new() { Rule = spec.Rule, Outliers = (uint)spec.Outliers, NormBound = spec.NormBound };

    internal static CommunicationSpec ToModel(Wire.Communication wire) => new()
    {
        Down = wire.Down == 0 ? 1 : wire.Down,
        Up = wire.Up == 0 ? 1 : wire.Up,
        Values = wire.Values.Length == 0 ? "f32" : wire.Values,
        ErrorFeedback = wire.ErrorFeedback,
        SpareB = wire.SpareB,
        ServerOptimizer = wire.ServerOptimizer.Length == 0 ? "add" : wire.ServerOptimizer,
        ServerLearningRate = wire.ServerLearningRate == 0 ? 1e-3 : wire.ServerLearningRate,
        Groups = wire.Groups.ToDictionary(
            entry => entry.Key,
            entry => new DensitySpec { Down = entry.Value.Down == 0 ? 1 : entry.Value.Down, Up = entry.Value.Up == 0 ? 1 : entry.Value.Up },
            StringComparer.Ordinal),
    };

    internal static Wire.Communication ToWire(CommunicationSpec spec)
    {
        var wire = new Wire.Communication
        {
            Down = spec.Down,
            Up = spec.Up,
            Values = spec.Values,
            ErrorFeedback = spec.ErrorFeedback,
            SpareB = spec.SpareB,
            ServerOptimizer = spec.ServerOptimizer,
            ServerLearningRate = spec.ServerLearningRate,
        };
        foreach (var (group, density) in spec.Groups)
            wire.Groups[group] = new Wire.Density { Down = density.Down, Up = density.Up };
        return wire;
    }
}
