using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Enrolment;

internal static partial class EnrolmentGrainLog
{
    [LoggerMessage(133, LogLevel.Information, "node {Name} is called {Renamed} from now on ({NodeId})")]
    internal static partial void Renamed(this ILogger logger, string name, string renamed, string nodeId);
}
