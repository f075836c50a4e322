using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

internal static partial class SiloLog
{
    [LoggerMessage(1, LogLevel.Information, "Silo started.")]
    public static partial void Started(this ILogger logger);

    [LoggerMessage(2, LogLevel.Information, "Silo stopped.")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(3, LogLevel.Error, "Activation of {Grain} failed.")]
    public static partial void ActivationFailed(this ILogger logger, Exception exception, GrainId grain);

    [LoggerMessage(4, LogLevel.Warning, "Deactivation of {Grain} failed; it ends all the same.")]
    public static partial void DeactivationFailed(this ILogger logger, Exception exception, GrainId grain);

    [LoggerMessage(5, LogLevel.Warning, "A timer callback of {Grain} failed; the timer goes on.")]
    public static partial void TimerFailed(this ILogger logger, Exception exception, GrainId grain);

    [LoggerMessage(6, LogLevel.Debug, "{Grain} deactivates: {Reason}")]
    public static partial void Deactivating(this ILogger logger, GrainId grain, DeactivationReason reason);

    [LoggerMessage(7, LogLevel.Warning, "{Grain} still runs {Calls} calls after {Timeout}; it is deactivated all the same.")]
    public static partial void CallsLeft(this ILogger logger, GrainId grain, int calls, TimeSpan timeout);
}
