using Microsoft.Extensions.Logging;

namespace FedLora.Server.Authentication;

internal static partial class RevocationWatchLog
{
    [LoggerMessage(122, LogLevel.Warning,
        "revocations are not heard of now ({Why}): open calls go on until they are, new ones are checked one by one")]
    internal static partial void NotHeard(this ILogger logger, string why);
}
