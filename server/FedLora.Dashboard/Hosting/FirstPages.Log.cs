using Microsoft.Extensions.Logging;

namespace FedLora.Dashboard.Hosting;

internal static partial class FirstPagesLog
{
    [LoggerMessage(127, LogLevel.Debug, "The first pages could not be made ahead; they are when somebody asks.")]
    internal static partial void NotMade(this ILogger logger, Exception error);
}
