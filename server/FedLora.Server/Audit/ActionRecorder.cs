using FedLora.Core.Audit;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Audit;

/// <summary>
/// Records what an operator does, by command line or page, done or refused, before it is answered; where that cannot be, nothing is done.
/// </summary>
public sealed class ActionRecorder(AuditLog audit, TimeProvider time, ILogger<ActionRecorder> logger)
{
    private const string Done = "done";

    /// <summary>Does something and records it.</summary>
    /// <param name="role">operator or auditor.</param>
    /// <param name="actor">The caller's id; by a token of the data folder its role; by a page that it was one.</param>
    /// <param name="action">E.g. <c>RevokeNode</c>.</param>
    /// <param name="subject">What it is done to: a federation, node, token, ...; empty where there is nothing to name.</param>
    /// <param name="act">The action.</param>
    /// <exception cref="FedLoraException"><c>audit-unwritable</c>: nothing was done; or it was, and could not be recorded, which its text
    /// says.</exception>
    public async Task<T> RecordAsync<T>(string role, string actor, string action, string subject, Func<Task<T>> act)
    {
        audit.RequireWritable(time.GetUtcNow());
        try
        {
            var result = await act();
            Record(role, actor, action, subject, Done);
            return result;
        }
        catch (Exception error) when (error is not FedLoraException { Code: AuditLog.Unwritable })
        {
            Record(role, actor, action, subject, error switch
            {
                RefusedException refused => refused.Code,
                FedLoraException refused => refused.Code,
                RpcException told => told.StatusCode.ToString(),
                OperationCanceledException => "cut-off",
                _ => "failed",
            });
            throw;
        }
    }

    /// <summary>Records what was done elsewhere, as it is told here.</summary>
    /// <param name="role">As above.</param>
    /// <param name="actor">As above.</param>
    /// <param name="action">As above.</param>
    /// <param name="subject">As above.</param>
    /// <param name="outcome">done, or the code of what it failed with.</param>
    /// <exception cref="FedLoraException"><c>audit-unwritable</c>.</exception>
    public void Record(string role, string actor, string action, string subject, string outcome)
    {
        logger.Acted(role, actor, action, subject, outcome);
        audit.Flush($"{action} has come to its end ({outcome}), which");
    }
}
