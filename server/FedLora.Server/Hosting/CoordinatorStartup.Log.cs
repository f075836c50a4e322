using Microsoft.Extensions.Logging;

namespace FedLora.Server.Hosting;

internal static partial class CoordinatorStartupLog
{
    [LoggerMessage(121, LogLevel.Information, "coordinator on {Url}, data in {Data}")]
    internal static partial void Listening(this ILogger logger, string url, string data);
}
