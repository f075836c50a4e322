using System.Security.Cryptography;
using FedLora.Client.Connection;
using FedLora.Client.Ledger;
using FedLora.Protocol.V1;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Rounds;

/// <summary>
/// The training node: asks the coordinator for work, does it, asks again, for months. A lost connection is waited out with growing,
/// jittered pauses of at most a minute, and so is a full disk; only what no waiting can mend (wrong token, revoked) ends it.
/// </summary>
public sealed class NodeDaemon(CoordinatorConnection connection, Enroller enroller, RoundRunner runner, UpdateSender sender,
    IRoundTrainer trainer, SiteRules rules, Backoff backoff, ILogger<NodeDaemon> logger, TimeProvider time)
{
    private const int WaitSeconds = 30;
    private static readonly TimeSpan PollLimit = TimeSpan.FromSeconds(WaitSeconds + 20);
    private static readonly TimeSpan RestPause = TimeSpan.FromMinutes(1);
    private readonly string _start = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private string _said = "";
    private bool _renewed;

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="FedLoraException">The coordinator refuses this node.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await enroller.EnsureAsync(cancellationToken);
                await sender.SendWaitingAsync(cancellationToken);
                await PollOnceAsync(cancellationToken);
            }
            catch (RpcException error) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException("the client is ending", error, cancellationToken);
            }
            catch (RpcException error) when (!_renewed && connection.Explain(error).Code == "certificate-expired")
            {
                // A node that was off for weeks comes back by its key. Once: a coordinator that calls a new certificate old has another
                // fault.
                _renewed = true;
                await RenewAsync(cancellationToken);
            }
            catch (RpcException error) when (IsFinal(error))
            {
                throw connection.Explain(error);
            }
            catch (RpcException error)
            {
                await WaitAsync(connection.Explain(error).Message, cancellationToken);
            }
            catch (FedLoraException error) when (error.Code is "transfer-idle" or "upload-incomplete" or "blob-invalid")
            {
                await WaitAsync(error.Message, cancellationToken);
            }
            catch (Exception error) when (error is IOException or FedLoraException { Code: "file-write-failed" })
            {
                // A full disk under the state folder: somebody makes room, and the node goes on.
                await WaitAsync(error.Message, cancellationToken);
            }
        }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        try
        {
            await enroller.RenewAsync(cancellationToken);
        }
        catch (RpcException error) when (IsFinal(error))
        {
            throw connection.Explain(error);
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            _renewed = false;
            await WaitAsync(connection.Explain(error).Message, cancellationToken);
        }
    }

    // What no waiting mends: who is not let in, and whoever answers in the coordinator's place.
    private bool IsFinal(RpcException error) =>
        error.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied or StatusCode.AlreadyExists
            || connection.Explain(error).Code == "coordinator-other";

    private async Task PollOnceAsync(CancellationToken cancellationToken)
    {
        if (rules.Rests is { } hours)
        {
            Say(hours);
            await Task.Delay(RestPause, time, cancellationToken);
            return;
        }
        var request = new PollTaskRequest
        {
            Profile = rules.Profile(trainer.Fingerprint),
            WaitSeconds = WaitSeconds,
            Traffic = connection.Traffic.ToMessage(),
            Start = _start,
            Refused = { runner.Refused.Select(entry => $"{entry.Key}: {entry.Value}") },
        };
        var reply = await connection.Node.PollTaskAsync(request, connection.Options(cancellationToken, PollLimit));
        _renewed = false;
        enroller.IsCalled(reply.NodeName);
        if (reply.Task is not { } task)
        {
            backoff.Reset();
            Say(reply.WaitingFor.Length > 0 ? $"waiting: {reply.WaitingFor}" : "waiting for work");
            return;
        }
        _said = "";
        logger.RoundStarts(task.Round, task.Federation, task.Definition.Method, task.Adapter.Sha256);
        if (await runner.RunAsync(task, cancellationToken) == RoundEnd.Delivered)
            backoff.Reset();
        else
            await Task.Delay(backoff.Next(), time, cancellationToken);
    }

    private async Task WaitAsync(string why, CancellationToken cancellationToken)
    {
        var pause = backoff.Next();
        Say($"{why}; trying again, at most every minute");
        await Task.Delay(pause, time, cancellationToken);
    }

    // Each state is said once, not with every try.
    private void Say(string state)
    {
        if (state == _said)
            return;
        _said = state;
        logger.State(state);
    }
}
