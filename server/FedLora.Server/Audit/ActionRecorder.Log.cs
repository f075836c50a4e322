using Microsoft.Extensions.Logging;

namespace FedLora.Server.Audit;

internal static partial class ActionRecorderLog
{
    [LoggerMessage(113, LogLevel.Information, "{Role} {Actor}: {Action} {Subject}: {Outcome}")]
    internal static partial void Acted(this ILogger logger, string role, string actor, string action, string subject, string outcome);
}
