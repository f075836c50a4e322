using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>How many numbers a method moves per node and round, once the first round is over.</summary>
/// <param name="Up">What a node sends.</param>
/// <param name="Down">What a node fetches: the factors that changed, and the fold.</param>
public sealed record Traffic(long Up, long Down)
{
    /// <summary>With all nodes at the layout's rank; where odd and even rounds differ (rolora), their mean.</summary>
    /// <param name="nodes">K, the nodes in a round.</param>
    public static Traffic Of(IFederatedMethod method, AdapterLayout layout, MethodOptions options, int nodes)
    {
        var fold = method.FoldRank(layout, options, nodes);
        var folded = fold > 0 ? (layout with { Rank = fold }).ParameterCount(Factors.A | Factors.B) : 0;
        return new Traffic(Mean(round => method.Sent(round, options)), Mean(round => method.Changed(round, options)) + folded);

        long Mean(Func<int, Factors> factors) => (layout.ParameterCount(factors(1)) + layout.ParameterCount(factors(2))) / 2;
    }
}
