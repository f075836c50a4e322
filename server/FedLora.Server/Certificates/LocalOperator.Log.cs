using Microsoft.Extensions.Logging;

namespace FedLora.Server.Certificates;

internal static partial class LocalOperatorLog
{
    [LoggerMessage(123, LogLevel.Warning,
        "the certificate of the operator on this machine is not renewed yet; it is tried again in a minute")]
    internal static partial void NotRenewed(this ILogger logger, Exception error);
}
