using Microsoft.Extensions.Logging;

namespace FedLora.Server.Hosting;

internal static partial class ClusterMembersLog
{
    [LoggerMessage(145, LogLevel.Information, "the coordinator at {Silo} is in the cluster")]
    internal static partial void SiloJoined(this ILogger logger, string silo);

    [LoggerMessage(146, LogLevel.Warning, "the coordinator at {Silo} is gone, or has been declared dead: others have its federations now")]
    internal static partial void SiloDead(this ILogger logger, string silo);
}
