using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.Client.Rounds;

/// <summary>
/// Tells the coordinator how far a task is, which is the heartbeat of a busy node, and hears whether the round is still wanted.
/// </summary>
/// <param name="isSilent">Nothing of the site's data may be told beside what noise covers: neither pace, nor loss, nor reasons.</param>
public sealed class StatusReporter(CoordinatorConnection connection, TrainingTask task, bool isSilent, TimeProvider time)
    : IProgress<TrainingProgress>
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private volatile TrainingProgress _latest = new(0, 0, null);

    /// <summary>Whether nothing of the site's data may be told beside what noise covers.</summary>
    public bool IsSilent => isSilent;

    /// <summary>Why the coordinator no longer wants the update.</summary>
    public string UnwantedBecause { get; private set; } = "";

    /// <inheritdoc/>
    public void Report(TrainingProgress value) => _latest = value;

    /// <summary>Reports one phase.</summary>
    public async Task<StatusReply> SayAsync(TaskPhase phase, string reason, CancellationToken cancellationToken)
    {
        // The pace of the steps would tell how large the batches were that were drawn.
        var progress = isSilent ? new TrainingProgress(0, 0, null) : _latest;
        var report = new StatusReport
        {
            Federation = task.Federation,
            Round = task.Round,
            Attempt = task.Attempt,
            Phase = phase,
            Step = (uint)progress.Step,
            Steps = (uint)progress.Steps,
            Reason = reason,
            Traffic = connection.Traffic.ToMessage(),
        };
        if (progress.Loss is { } loss)
            report.Loss = loss;
        return await connection.Node.ReportStatusAsync(report, connection.Options(cancellationToken, Limit));
    }

    /// <summary>
    /// Reports at once and then every two seconds until <paramref name="cancellationToken"/>; cancels <paramref name="wanted"/> when the
    /// round no longer wants this node.
    /// </summary>
    public async Task FollowAsync(CancellationTokenSource wanted, CancellationToken cancellationToken)
    {
        try
        {
            while (await IsWantedAsync(cancellationToken))
                await Task.Delay(Every, time, cancellationToken);
            await wanted.CancelAsync();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Training has ended first.
        }
    }

    private async Task<bool> IsWantedAsync(CancellationToken cancellationToken)
    {
        try
        {
            var reply = await SayAsync(TaskPhase.Training, "", cancellationToken);
            UnwantedBecause = reply.Reason;
            return reply.Wanted;
        }
        catch (RpcException)
        {
            // The coordinator is away: training goes on, the update is kept and sent when it is back.
            return true;
        }
    }
}
