using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

internal static partial class FederationGrainLog
{
    [LoggerMessage(151, LogLevel.Information, "Federation {Federation} created: method {Method}, first adapter {Adapter}.")]
    internal static partial void Created(this ILogger logger, string federation, string method, string adapter);

    [LoggerMessage(152, LogLevel.Information, "Federation {Federation} is now {State}. {Reason}")]
    internal static partial void StateChanged(this ILogger logger, string federation, FederationState state, string reason);

    [LoggerMessage(153, LogLevel.Information, "Federation {Federation} goes on with round {Round} ({State}).")]
    internal static partial void Resumed(this ILogger logger, string federation, int round, RoundState state);

    [LoggerMessage(154, LogLevel.Information,
        "{Federation}: round {Round} attempt {Attempt} is open for {Nodes} nodes, quorum {Quorum}, until {Deadline:u}.")]
    internal static partial void Opened(this ILogger logger, string federation, int round, int attempt, int nodes, int quorum,
        DateTimeOffset deadline);

    [LoggerMessage(155, LogLevel.Information, "{Federation}: round {Round} closes with {Updates} updates.")]
    internal static partial void Closed(this ILogger logger, string federation, int round, int updates);

    [LoggerMessage(156, LogLevel.Warning, "{Federation}: round {Round} is repeated as attempt {Attempt}: {Why}.")]
    internal static partial void Repeated(this ILogger logger, string federation, int round, int attempt, string why);

    [LoggerMessage(157, LogLevel.Information,
        "{Federation}: round {Round} committed, {Updates} updates, adapter {Adapter}, {Milliseconds:f0} ms.")]
    internal static partial void Committed(this ILogger logger, string federation, int round, int updates, string adapter,
        double milliseconds);

    [LoggerMessage(158, LogLevel.Error, "{Federation}: round {Round} could not be aggregated: {Error}")]
    internal static partial void AggregationFailed(this ILogger logger, string federation, int round, string error);

    [LoggerMessage(159, LogLevel.Information, "{Federation}: round {Round} has the update of node {Node}, {Bytes} bytes.")]
    internal static partial void UpdateStored(this ILogger logger, string federation, int round, string node, long bytes);

    [LoggerMessage(160, LogLevel.Warning, "{Federation}: in round {Round} node {Node} cannot deliver: {Reason}")]
    internal static partial void NodeFailed(this ILogger logger, string federation, int round, string node, string reason);

    [LoggerMessage(161, LogLevel.Information, "{Federation}: round {Round} leaves out node {Node}: {Reason}")]
    internal static partial void Excluded(this ILogger logger, string federation, int round, string node, string reason);

    [LoggerMessage(162, LogLevel.Debug, "Node {Node} was not woken; it polls again by itself.")]
    internal static partial void NotWoken(this ILogger logger, Exception error, string node);

    [LoggerMessage(163, LogLevel.Warning, "The registry was not told of federation {Federation}; it will be at the next start.")]
    internal static partial void RegistryNotTold(this ILogger logger, Exception error, string federation);

    [LoggerMessage(164, LogLevel.Warning,
        "{Federation}: what the last round no longer needs was not removed; the hourly clean-up does it.")]
    internal static partial void NotPruned(this ILogger logger, Exception error, string federation);

    [LoggerMessage(165, LogLevel.Warning, "{Federation}: page {Page} of its history was not written; it is with the next round.")]
    internal static partial void PageNotWritten(this ILogger logger, Exception error, string federation, int page);
}
