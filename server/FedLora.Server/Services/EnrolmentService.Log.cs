using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

internal static partial class EnrolmentServiceLog
{
    [LoggerMessage(111, LogLevel.Information, "node {Name} enrolled as {NodeId}")]
    internal static partial void Enrolled(this ILogger logger, string name, string nodeId);

    [LoggerMessage(112, LogLevel.Information, "the certificate of the {Role} {Id} is renewed until {Until:u}")]
    internal static partial void Renewed(this ILogger logger, string role, string id, DateTime until);
}
