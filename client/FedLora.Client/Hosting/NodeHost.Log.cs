using Microsoft.Extensions.Logging;

namespace FedLora.Client.Hosting;

internal static partial class NodeHostLog
{
    [LoggerMessage(253, LogLevel.Information, "this node is enrolled as {Name} and keeps that name, not {Asked}")]
    internal static partial void KeepsName(this ILogger logger, string name, string asked);

    [LoggerMessage(251, LogLevel.Information, "this node {Device}")]
    internal static partial void Computes(this ILogger logger, string device);

    [LoggerMessage(252, LogLevel.Warning, "{Advice}")]
    internal static partial void DeltaTooLarge(this ILogger logger, string advice);
}
