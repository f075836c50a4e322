using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

internal static partial class UpdateReceiverLog
{
    [LoggerMessage(171, LogLevel.Warning, "{Federation}: the receipt of node {Node} was not mirrored; the round's record has it.")]
    internal static partial void ReceiptNotMirrored(this ILogger logger, Exception error, string federation, string node);
}
