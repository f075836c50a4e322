using Microsoft.Extensions.Logging;

namespace FedLora.Server.Certificates;

internal static partial class ShownCertificateLog
{
    [LoggerMessage(125, LogLevel.Information, "the certificate {File} was replaced: the new one is shown, until {Until:u}")]
    internal static partial void Reloaded(this ILogger logger, string file, DateTime until);

    [LoggerMessage(126, LogLevel.Warning, "{Why}; the one of before is shown, until {Until:u}")]
    internal static partial void NotReloaded(this ILogger logger, string why, DateTime until);
}
