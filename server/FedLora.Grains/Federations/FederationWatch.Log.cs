using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

internal static partial class FederationWatchLog
{
    [LoggerMessage(181, LogLevel.Error, "Federation {Federation} cannot be read; the others go on.")]
    internal static partial void CannotBeRead(this ILogger logger, Exception error, string federation);

    [LoggerMessage(182, LogLevel.Warning, "The federations were not looked after; it is done again in a minute.")]
    internal static partial void NotLooked(this ILogger logger, Exception error);
}
