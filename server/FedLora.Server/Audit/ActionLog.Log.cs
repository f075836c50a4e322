using Microsoft.Extensions.Logging;

namespace FedLora.Server.Audit;

/// <content>The message.</content>
public static partial class ActionLog
{
    /// <summary>Somebody's action, over gRPC or by a page.</summary>
    /// <param name="logger">Of the program.</param>
    /// <param name="role">operator or auditor.</param>
    /// <param name="actor">The caller's id; by a token of the data folder its role; by a page that it was one.</param>
    /// <param name="action">E.g. <c>RevokeNode</c>.</param>
    /// <param name="subject">What it was done to: a federation, node, token, ...; empty where there is nothing to name.</param>
    /// <param name="outcome"><see cref="Done"/>, or a refusal's code.</param>
    [LoggerMessage(113, LogLevel.Information, "{Role} {Actor}: {Action} {Subject}: {Outcome}")]
    public static partial void Acted(this ILogger logger, string role, string actor, string action, string subject, string outcome);
}
