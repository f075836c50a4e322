using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

internal static partial class ServerLog
{
    [LoggerMessage(EventId = 6, Level = LogLevel.Error, Message = "Error when executing service method '{Method}'.")]
    public static partial void HandlerFailed(ILogger logger, string method, Exception exception);

    [LoggerMessage(EventId = 7, Level = LogLevel.Information, Message = "Error status code '{Code}' with detail '{Detail}' raised.")]
    public static partial void StatusRaised(ILogger logger, StatusCode code, string detail, Exception? exception);

    [LoggerMessage(EventId = 28, Level = LogLevel.Information, Message = "Service method '{Method}' canceled.")]
    public static partial void Cancelled(ILogger logger, string method, Exception exception);

    [LoggerMessage(EventId = 10, Level = LogLevel.Debug, Message = "Request with timeout of {Timeout} has exceeded its deadline.")]
    public static partial void DeadlinePassed(ILogger logger, TimeSpan timeout);

    [LoggerMessage(EventId = 9, Level = LogLevel.Debug, Message = "Invalid grpc-timeout header value '{Timeout}' has been ignored.")]
    public static partial void TimeoutIgnored(ILogger logger, string timeout);

    [LoggerMessage(EventId = 11, Level = LogLevel.Error, Message = "Error occurred while trying to cancel the request due to deadline exceeded.")]
    public static partial void DeadlineCancellationFailed(ILogger logger, Exception exception);
}
