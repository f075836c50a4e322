using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

/// <summary>What the coordinator says in its log.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(LogLevel.Error, "{Method} failed")]
    internal static partial void CallFailed(this ILogger logger, string method, Exception error);

    [LoggerMessage(LogLevel.Information, "coordinator on {Url}, data in {Data}")]
    internal static partial void Listening(this ILogger logger, string url, string data);

    [LoggerMessage(LogLevel.Information, "node {Name} enrolled as {NodeId}")]
    internal static partial void Enrolled(this ILogger logger, string name, string nodeId);
}
