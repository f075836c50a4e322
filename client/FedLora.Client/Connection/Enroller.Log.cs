using Microsoft.Extensions.Logging;

namespace FedLora.Client.Connection;

internal static partial class EnrollerLog
{
    [LoggerMessage(201, LogLevel.Information, "enrolled at {Url} as {Name} ({NodeId})")]
    internal static partial void Enrolled(this ILogger logger, string url, string name, string nodeId);

    [LoggerMessage(202, LogLevel.Information, "the node's certificate is renewed until {Until:u}")]
    internal static partial void Renewed(this ILogger logger, DateTime until);

    [LoggerMessage(204, LogLevel.Information, "the coordinator's operator has renamed this node: {Name} is called {Renamed} from now on")]
    internal static partial void IsRenamed(this ILogger logger, string name, string renamed);

    [LoggerMessage(203, LogLevel.Warning, "the node's certificate is not renewed yet: {Why}")]
    internal static partial void NotRenewed(this ILogger logger, string why);
}
