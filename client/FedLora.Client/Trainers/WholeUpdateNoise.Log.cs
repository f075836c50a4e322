using Microsoft.Extensions.Logging;

namespace FedLora.Client.Trainers;

internal static partial class WholeUpdateNoiseLog
{
    [LoggerMessage(229, LogLevel.Information,
        "noise on whole updates: {Rounds} rounds so far, epsilon {Epsilon} at delta {Delta:0.###e-0} of this site as a whole")]
    internal static partial void Hidden(this ILogger logger, int rounds, string epsilon, double delta);
}
