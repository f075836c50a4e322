using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

internal static partial class FederationCreatorLog
{
    [LoggerMessage(166, LogLevel.Warning,
        "Not all waiting nodes were told of federation {Federation}; they hear of it with their next poll.")]
    internal static partial void NotAllWoken(this ILogger logger, Exception error, string federation);
}
