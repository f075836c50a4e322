using Microsoft.Extensions.Logging;

namespace FedLora.Client.Rounds;

internal static partial class UpdateSenderLog
{
    [LoggerMessage(227, LogLevel.Warning, "round {Round} of {Federation}: it cannot be noted that the coordinator has answered: {Reason}")]
    internal static partial void NotNoted(this ILogger logger, uint round, string federation, string reason);

    [LoggerMessage(228, LogLevel.Warning,
        "round {Round} of {Federation}: the update that is already trained could not be sent and is kept: {Reason}")]
    internal static partial void NotSent(this ILogger logger, uint round, string federation, string reason);
}
