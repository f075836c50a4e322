using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

internal static partial class CallFailuresLog
{
    [LoggerMessage(101, LogLevel.Error, "{Method} failed")]
    internal static partial void CallFailed(this ILogger logger, string method, Exception error);
}
