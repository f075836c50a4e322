using System.Collections.Immutable;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Privacy;

namespace FedLora.Federations.Definitions;

/// <summary>What a definition means to the aggregation library.</summary>
public static class DefinitionTerms
{
    private const string Prefix = "base_model.model.";

    public static AdapterLayout ToLayout(this FederationDefinition definition) => new(
        [.. definition.Layout.Modules.Select(module => new AdapterModule(module.Name, module.DOut, module.DIn))],
        definition.Lora.Rank,
        definition.Lora.Alpha,
        [.. definition.Layout.Head.Select(
            head => new HeadTensor(head.Name.StartsWith(Prefix, StringComparison.Ordinal) ? head.Name[Prefix.Length..] : head.Name,
                head.Shape.ToImmutableArray()))],
        definition.Lora.RsLora);

    /// <summary>A layout as a definition states it; its rank and scale are <see cref="FederationDefinition.Lora"/>'s.</summary>
    public static LayoutSpec ToSpec(this AdapterLayout layout) => new()
    {
        Modules = [.. layout.Modules.Select(module => new ModuleSpec { Name = module.Name, DOut = module.DOut, DIn = module.DIn })],
        Head = [.. layout.Heads.Select(head => new HeadSpec { Name = Prefix + head.Name, Shape = [.. head.Shape] })],
    };

    /// <summary>What a definition's privacy terms ask of a node; null without privacy.</summary>
    public static PrivacyPlan? ToPlan(this FederationDefinition definition) => definition.Privacy is not { } terms ? null : new PrivacyPlan(
        terms.Epsilon, terms.Delta, terms.ClipNorm, terms.NoiseMultiplier, terms.SamplingRate, terms.Accountant,
        definition.Training.LocalSteps, definition.Training.BatchSize, definition.Rounds);

    public static MethodOptions ToMethodOptions(this FederationDefinition definition)
    {
        var options = definition.MethodOptions;
        return new MethodOptions
        {
            Head = options.FreezeHead ? HeadPolicy.Frozen : HeadPolicy.Averaged,
            Weighting = definition.CountsExamples() ? Aggregation.Weighting.Examples : Aggregation.Weighting.Uniform,
            Lambda = options.Lambda ?? MethodOptions.Default.Lambda,
            FairObjective = options.Solver is "" or "cosine" ? FairObjective.Cosine : FairObjective.LeastSquares,
            ResidualRank = options.TruncateRank == 0 ? null : options.TruncateRank,
            InitStep = options.InitStep ?? MethodOptions.Default.InitStep,
            Init = options.Init switch
            {
                "" or "svd-of-weights" => FedSbInit.SvdOfWeights,
                "lora-sb" => FedSbInit.LoraSb,
                _ => FedSbInit.LoraSbPrivate,
            },
        };
    }

    /// <summary>The rank that a node of the group trains.</summary>
    public static int RankOf(this FederationDefinition definition, string group) =>
        definition.Lora.RankGroups.GetValueOrDefault(group, definition.Lora.Rank);

    /// <summary>The layout that a node of that rank has.</summary>
    public static AdapterLayout LayoutOf(this FederationDefinition definition, int rank)
    {
        var layout = definition.ToLayout();
        return rank == layout.Rank ? layout : layout.WithRankKeepingScale(rank);
    }

    /// <summary>How many examples an update counts for; 1 where all count alike.</summary>
    public static long WeightOf(this FederationDefinition definition, string nodeName, long exampleCount) => definition.Weighting switch
    {
        Weighting.PublicCounts => definition.PublicCounts.GetValueOrDefault(nodeName, 1),
        _ => definition.CountsExamples() ? exampleCount : 1,
    };

    /// <summary>Whether an update counts for what its node states of itself.</summary>
    public static bool CountsStated(this FederationDefinition definition) =>
        definition.Weighting != Weighting.PublicCounts && definition.CountsExamples();

    private static bool CountsExamples(this FederationDefinition definition) =>
        definition.Weighting is Weighting.Examples or Weighting.PublicCounts
            || (definition.Weighting == Weighting.Default && definition.Privacy is null);
}
