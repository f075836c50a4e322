using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Blobs;

internal static partial class JanitorGrainLog
{
    [LoggerMessage(131, LogLevel.Information, "Clean-up: {Partials} abandoned uploads and {Blobs} blobs that nothing refers to are gone.")]
    internal static partial void Cleaned(this ILogger logger, int partials, int blobs);

    [LoggerMessage(132, LogLevel.Warning, "The clean-up was not done; the next is in an hour.")]
    internal static partial void NotCleaned(this ILogger logger, Exception error);
}
