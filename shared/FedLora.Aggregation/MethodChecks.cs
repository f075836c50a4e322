using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>The checks that all methods share.</summary>
internal static class MethodChecks
{
    public static void Require(IFederatedMethod method, AdapterLayout layout, MethodOptions options, IReadOnlyCollection<int> ranks)
    {
        if (layout.Modules.IsEmpty)
            throw Unsupported(method, "needs at least one adapted module", "Name target modules that the model has.");
        if (layout.Rank < 1 || !(layout.Alpha > 0) || double.IsInfinity(layout.Alpha))
            throw Unsupported(method, $"needs rank >= 1 and alpha > 0, not {layout.Rank} and {layout.Alpha}",
                "Set lora.rank and lora.alpha.");
        if (ranks.FirstOrDefault(rank => rank < 1 || rank > layout.Rank, layout.Rank) is var bad && bad != layout.Rank)
            throw Unsupported(method, $"cannot use rank {bad} where the federation's largest is {layout.Rank}",
                "Node ranks lie between 1 and lora.rank.");
        if (!method.Traits.MixesRanks && ranks.FirstOrDefault(rank => rank != layout.Rank, layout.Rank) is var other
            && other != layout.Rank)
            throw Unsupported(method, $"cannot mix ranks: {other} beside {layout.Rank}",
                $"Use one rank, or one of: {string.Join(", ", Methods.All.Where(m => m.Traits.MixesRanks).Select(m => m.Name))}.");
        if (options.Head == HeadPolicy.Frozen && !method.Traits.MayFreezeHead)
            throw Unsupported(method, "does not freeze the head", "Leave the head averaged.");
        if (options.Head == HeadPolicy.Local && !method.Traits.Personalised)
            throw Unsupported(method, "does not keep the head at the node", "Only fedsa-lora does; leave the head averaged.");
        if (!(options.Lambda >= 0) || double.IsInfinity(options.Lambda))
            throw Unsupported(method, $"needs lambda >= 0, not {options.Lambda}", "The paper uses 0.01.");
        if (options.ResidualRank is < 1)
            throw Unsupported(method, $"needs a residual rank >= 1, not {options.ResidualRank}",
                "Leave it out to keep the whole residual.");
    }

    public static FedLoraException Unsupported(IFederatedMethod method, string why, string hint) =>
        new("method-unsupported", $"Method '{method.Name}' {why}.", hint);
}
