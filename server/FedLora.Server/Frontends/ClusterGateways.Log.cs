using Microsoft.Extensions.Logging;

namespace FedLora.Server.Frontends;

internal static partial class ClusterGatewaysLog
{
    [LoggerMessage(141, LogLevel.Warning, "the coordinator whose gateway was {Gateway} is no longer in the cluster; {Left} are left")]
    internal static partial void SiloGone(this ILogger logger, string gateway, int left);

    [LoggerMessage(144, LogLevel.Information, "asks the coordinator whose gateway is {Gateway}")]
    internal static partial void SiloFound(this ILogger logger, string gateway);

    [LoggerMessage(142, LogLevel.Warning,
        "which coordinators are in the cluster is not known now ({Why}): those that were are called until it is")]
    internal static partial void MembersUnknown(this ILogger logger, string why);
}
