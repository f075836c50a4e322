using Microsoft.Extensions.Logging;

namespace FedLora.Client;

/// <summary>What the daemon says in its log, one line for each change of state.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(LogLevel.Information, "enrolled at {Url} as {Name} ({NodeId})")]
    internal static partial void Enrolled(this ILogger logger, string url, string name, string nodeId);

    [LoggerMessage(LogLevel.Information, "this node {Device}")]
    internal static partial void Computes(this ILogger logger, string device);

    [LoggerMessage(LogLevel.Information, "{State}")]
    internal static partial void State(this ILogger logger, string state);

    [LoggerMessage(LogLevel.Information, "round {Round} of {Federation} ({Method}) from adapter {Adapter}")]
    internal static partial void RoundStarts(this ILogger logger, uint round, string federation, string method, string adapter);

    [LoggerMessage(LogLevel.Information, "round {Round} of {Federation}: sending the update that is already trained")]
    internal static partial void SendingKept(this ILogger logger, uint round, string federation);

    [LoggerMessage(LogLevel.Information, "round {Round} of {Federation}: trained {Steps} steps in {Seconds:0.0} s, sending {Bytes} bytes")]
    internal static partial void Trained(this ILogger logger, uint round, string federation, uint steps, double seconds, long bytes);

    [LoggerMessage(LogLevel.Warning, "round {Round} of {Federation}: the update is sent without being kept here: {Reason}")]
    internal static partial void NotKept(this ILogger logger, uint round, string federation, string reason);

    [LoggerMessage(LogLevel.Information, "round {Round} of {Federation}: the coordinator has the update")]
    internal static partial void Delivered(this ILogger logger, uint round, string federation);

    [LoggerMessage(LogLevel.Information, "round {Round} of {Federation}: the update is no longer wanted: {Reason}")]
    internal static partial void NotWanted(this ILogger logger, uint round, string federation, string reason);

    [LoggerMessage(LogLevel.Warning, "round {Round} of {Federation}: this node does not take part: {Reason}")]
    internal static partial void Refused(this ILogger logger, uint round, string federation, string reason);
}
