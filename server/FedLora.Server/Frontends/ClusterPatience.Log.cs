using Microsoft.Extensions.Logging;

namespace FedLora.Server.Frontends;

internal static partial class ClusterPatienceLog
{
    [LoggerMessage(143, LogLevel.Information, "no coordinator of the cluster is there yet; waiting up to {Seconds} s for one")]
    internal static partial void Waits(this ILogger logger, double seconds);
}
