using Microsoft.Extensions.Logging;

namespace FedLora.Client.Rounds;

internal static partial class RoundRunnerLog
{
    [LoggerMessage(221, LogLevel.Information, "round {Round} of {Federation}: sending the update that is already trained")]
    internal static partial void SendingKept(this ILogger logger, uint round, string federation);

    [LoggerMessage(222, LogLevel.Information,
        "round {Round} of {Federation}: trained {Steps} steps in {Seconds:0.0} s, sending {Bytes} bytes")]
    internal static partial void Trained(this ILogger logger, uint round, string federation, uint steps, double seconds, long bytes);

    [LoggerMessage(223, LogLevel.Warning, "round {Round} of {Federation}: the update is sent without being kept here: {Reason}")]
    internal static partial void NotKept(this ILogger logger, uint round, string federation, string reason);

    [LoggerMessage(224, LogLevel.Information, "round {Round} of {Federation}: the coordinator has the update")]
    internal static partial void Delivered(this ILogger logger, uint round, string federation);

    [LoggerMessage(225, LogLevel.Information, "round {Round} of {Federation}: the update is no longer wanted: {Reason}")]
    internal static partial void NotWanted(this ILogger logger, uint round, string federation, string reason);

    [LoggerMessage(226, LogLevel.Warning, "round {Round} of {Federation}: this node does not take part: {Reason}")]
    internal static partial void Refused(this ILogger logger, uint round, string federation, string reason);
}
