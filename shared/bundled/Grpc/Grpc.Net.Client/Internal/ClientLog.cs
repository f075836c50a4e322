using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Grpc.Net.Client.Internal;

internal static partial class ClientLog
{
    [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "Call {Method} failed with gRPC error status. Status code: '{Code}', Message: '{Detail}'.")]
    public static partial void Ended(ILogger logger, string method, StatusCode code, string detail);
}
