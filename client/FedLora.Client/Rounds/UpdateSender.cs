using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Protocol.Transfer;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Rounds;

/// <summary>How sending an update ended.</summary>
/// <param name="End">Delivered, not wanted, or refused for good.</param>
/// <param name="Reason">What the coordinator said; empty where it has the update.</param>
public sealed record SendResult(RoundEnd End, string Reason = "");

/// <summary>
/// Sends updates: of the task at hand, and those that an interruption left on the disk, which need no task, and no hour at which the site
/// would train.
/// </summary>
public sealed class UpdateSender(CoordinatorConnection connection, NodeFolder folder, ILogger<UpdateSender> logger, TimeProvider time)
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    /// <summary>Sends one, from where the coordinator has it.</summary>
    /// <exception cref="RpcException">The connection failed, or the coordinator cannot take it now: try again later.</exception>
    /// <exception cref="FedLoraException"><c>transfer-idle</c>, <c>upload-incomplete</c>: try again later.</exception>
    public async Task<SendResult> SendAsync(PendingUpdate update, uint attempt, CancellationToken cancellationToken)
    {
        var header = update.Header.Clone();
        header.Attempt = attempt;
        header.Traffic = connection.Traffic.ToMessage();
        SendResult result;
        await using (var file = update.Open())
        {
            try
            {
                await new UpdateUpload(time, Idle)
                    .SendAsync(header, file, token => connection.Node.PutUpdate(connection.Options(token)), null, cancellationToken);
                logger.Delivered(header.Round, header.Federation);
                result = new(RoundEnd.Delivered);
            }
            catch (RpcException error) when (error.StatusCode is StatusCode.FailedPrecondition or StatusCode.AlreadyExists
                or StatusCode.NotFound)
            {
                logger.NotWanted(header.Round, header.Federation, error.Status.Detail);
                result = new(RoundEnd.NotWanted, error.Status.Detail);
            }
            catch (RpcException error) when (error.StatusCode is StatusCode.InvalidArgument)
            {
                result = new(RoundEnd.Refused, $"the coordinator refused the update: {error.Status.Detail}");
            }
        }

        Settle(update, result.End);
        return result;
    }

    /// <summary>
    /// Sends what lies on the disk and was never answered for. What goes wrong with one of them is logged, and is tried again later; the
    /// node goes on.
    /// </summary>
    /// <exception cref="RpcException">There is no coordinator to send to, or it does not know this node.</exception>
    public async Task SendWaitingAsync(CancellationToken cancellationToken)
    {
        foreach (var home in folder.FederationFolders())
        {
            var (round, federation) = (0u, Path.GetFileName(home));
            try
            {
                if (PendingUpdate.Waiting(home) is not { } update)
                    continue;
                (round, federation) = (update.Header.Round, update.Header.Federation);
                logger.SendingKept(round, federation);
                if (await SendAsync(update, update.Header.Attempt, cancellationToken) is { End: RoundEnd.Refused } refused)
                    logger.Refused(round, federation, refused.Reason);
            }
            catch (Exception error) when (error is FedLoraException or IOException or UnauthorizedAccessException or RpcException
            {
                StatusCode: not (StatusCode.Unavailable
                or StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.Cancelled)
            })
            {
                logger.NotSent(round, federation, error.Message);
            }
        }
    }

    private void Settle(PendingUpdate update, RoundEnd end)
    {
        var home = folder.FederationFolder(update.Header.Federation);
        try
        {
            if (end == RoundEnd.Delivered)
                SparseUplink.Acknowledge(home, update.Header.Round);
            if (update.Path is not null)
                PendingUpdate.Settle(home, update.Header);
        }
        catch (FedLoraException error) when (error.Code == "file-write-failed")
        {
            // The coordinator has answered; at worst it is asked, and says the same, once more.
            logger.NotNoted(update.Header.Round, update.Header.Federation, error.Message);
        }
    }
}
