using Microsoft.Extensions.Logging;

namespace FedLora.Client.State;

internal static partial class BlobCacheLog
{
    [LoggerMessage(231, LogLevel.Warning, "{Path} is no longer what was fetched: it is fetched again; look at the disk")]
    internal static partial void Damaged(this ILogger logger, string path);
}
