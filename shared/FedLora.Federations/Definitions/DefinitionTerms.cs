using System.Collections.Immutable;
using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Federations.Definitions;

/// <summary>What a definition means to the aggregation library.</summary>
public static class DefinitionTerms
{
    private const string Prefix = "base_model.model.";

    public static AdapterLayout ToLayout(this FederationDefinition definition) => new(
        [.. definition.Layout.Modules.Select(module => new AdapterModule(module.Name, module.DOut, module.DIn, module.Rank == 0 ? null : module.Rank))],
        definition.Lora.Rank,
        definition.Lora.Alpha,
        [.. definition.Layout.Head.Select(head => new HeadTensor(head.Name.StartsWith(Prefix, StringComparison.Ordinal) ? head.Name[Prefix.Length..] : head.Name, head.Shape.ToImmutableArray()))],
        definition.Lora.RsLora);

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
            Init = options.Init switch
            {
                "" or "svd-of-weights" => FedSbInit.SvdOfWeights,
                "lora-sb" => FedSbInit.LoraSb,
                _ => FedSbInit.LoraSbPrivate,
            },
        };
    }

    /// <summary>The rank that a node of the group trains.</summary>
    public static int RankOf(this FederationDefinition definition, string group) => definition.Lora.RankGroups.GetValueOrDefault(group, definition.Lora.Rank);

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

    private static bool CountsExamples(this FederationDefinition definition) =>
        definition.Weighting is Weighting.Examples or Weighting.PublicCounts || (definition.Weighting == Weighting.Default && definition.Privacy is null);
}
