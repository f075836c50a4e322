using Microsoft.Extensions.Logging;

namespace FedLora.Client.Rounds;

internal static partial class NodeDaemonLog
{
    [LoggerMessage(211, LogLevel.Information, "{State}")]
    internal static partial void State(this ILogger logger, string state);

    [LoggerMessage(212, LogLevel.Information, "round {Round} of {Federation} ({Method}) from adapter {Adapter}")]
    internal static partial void RoundStarts(this ILogger logger, uint round, string federation, string method, string adapter);
}
