using Microsoft.Extensions.Logging;

namespace FedLora.Client.Connection;

internal static partial class EnrollerLog
{
    [LoggerMessage(201, LogLevel.Information, "enrolled at {Url} as {Name} ({NodeId})")]
    internal static partial void Enrolled(this ILogger logger, string url, string name, string nodeId);
}
