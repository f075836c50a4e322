using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Nodes;

internal static partial class NodeGrainLog
{
    [LoggerMessage(191, LogLevel.Error, "Federation {Federation} cannot be asked for node {Node}; the others go on.")]
    internal static partial void FederationFailed(this ILogger logger, Exception error, string federation, string node);
}
