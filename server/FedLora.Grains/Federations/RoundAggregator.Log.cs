using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

internal static partial class RoundAggregatorLog
{
    [LoggerMessage(172, LogLevel.Warning,
        "{Federation}: round {Round} is aggregated without the update of node {Node}, an outlier by krum.")]
    internal static partial void LeftOut(this ILogger logger, string federation, int round, string node);

    [LoggerMessage(173, LogLevel.Warning,
        "{Federation}: in round {Round} the change of node {Node} counts as one of norm {Bound:g4}; it has {Norm:g4}.")]
    internal static partial void Bounded(this ILogger logger, string federation, int round, string node, double norm, double bound);
}
