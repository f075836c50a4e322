using Microsoft.Extensions.Logging;

namespace FedLora.Grains;

internal static partial class FederationLog
{
    [LoggerMessage(1, LogLevel.Information, "Federation {Federation} created: method {Method}, first adapter {Adapter}.")]
    public static partial void Created(this ILogger logger, string federation, string method, string adapter);

    [LoggerMessage(2, LogLevel.Information, "Federation {Federation} is now {State}. {Reason}")]
    public static partial void StateChanged(this ILogger logger, string federation, FederationState state, string reason);

    [LoggerMessage(3, LogLevel.Information, "Federation {Federation} goes on with round {Round} ({State}).")]
    public static partial void Resumed(this ILogger logger, string federation, int round, RoundState state);

    [LoggerMessage(4, LogLevel.Information, "{Federation}: round {Round} attempt {Attempt} is open for {Nodes} nodes, quorum {Quorum}, until {Deadline:u}.")]
    public static partial void Opened(this ILogger logger, string federation, int round, int attempt, int nodes, int quorum, DateTimeOffset deadline);

    [LoggerMessage(5, LogLevel.Information, "{Federation}: round {Round} closes with {Updates} updates.")]
    public static partial void Closed(this ILogger logger, string federation, int round, int updates);

    [LoggerMessage(6, LogLevel.Warning, "{Federation}: round {Round} is repeated as attempt {Attempt}: {Why}.")]
    public static partial void Repeated(this ILogger logger, string federation, int round, int attempt, string why);

    [LoggerMessage(7, LogLevel.Information, "{Federation}: round {Round} committed, {Updates} updates, adapter {Adapter}, {Milliseconds:f0} ms.")]
    public static partial void Committed(this ILogger logger, string federation, int round, int updates, string adapter, double milliseconds);

    [LoggerMessage(8, LogLevel.Error, "{Federation}: round {Round} could not be aggregated: {Error}")]
    public static partial void AggregationFailed(this ILogger logger, string federation, int round, string error);

    [LoggerMessage(9, LogLevel.Information, "{Federation}: round {Round} has the update of node {Node}, {Bytes} bytes.")]
    public static partial void UpdateStored(this ILogger logger, string federation, int round, string node, long bytes);

    [LoggerMessage(10, LogLevel.Warning, "{Federation}: in round {Round} node {Node} cannot deliver: {Reason}")]
    public static partial void NodeFailed(this ILogger logger, string federation, int round, string node, string reason);

    [LoggerMessage(11, LogLevel.Information, "{Federation}: round {Round} leaves out node {Node}: {Reason}")]
    public static partial void Excluded(this ILogger logger, string federation, int round, string node, string reason);

    [LoggerMessage(12, LogLevel.Warning, "{Federation}: the receipt of node {Node} was not mirrored; the round's record has it.")]
    public static partial void ReceiptNotMirrored(this ILogger logger, Exception error, string federation, string node);

    [LoggerMessage(13, LogLevel.Debug, "Node {Node} was not woken; it polls again by itself.")]
    public static partial void NotWoken(this ILogger logger, Exception error, string node);

    [LoggerMessage(14, LogLevel.Warning, "The registry was not told of federation {Federation}; it will be at the next start.")]
    public static partial void RegistryNotTold(this ILogger logger, Exception error, string federation);

    [LoggerMessage(16, LogLevel.Warning, "{Federation}: what the last round no longer needs was not removed; the hourly clean-up does it.")]
    public static partial void NotPruned(this ILogger logger, Exception error, string federation);

    [LoggerMessage(17, LogLevel.Warning, "{Federation}: page {Page} of its history was not written; it is with the next round.")]
    public static partial void PageNotWritten(this ILogger logger, Exception error, string federation, int page);
}
