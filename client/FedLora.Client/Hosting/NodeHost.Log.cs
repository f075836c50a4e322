using Microsoft.Extensions.Logging;

namespace FedLora.Client.Hosting;

internal static partial class NodeHostLog
{
    [LoggerMessage(251, LogLevel.Information, "this node {Device}")]
    internal static partial void Computes(this ILogger logger, string device);

    [LoggerMessage(252, LogLevel.Warning, "{Advice}")]
    internal static partial void DeltaTooLarge(this ILogger logger, string advice);
}
