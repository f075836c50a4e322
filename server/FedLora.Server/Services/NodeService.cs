using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using FedLora.Server.Downloads;
using FedLora.Server.Mapping;
using FedLora.Server.Uploads;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace FedLora.Server.Services;

/// <summary>What nodes call: maps, and asks the node's grain.</summary>
[Authorize(Policies.Node)]
internal sealed class NodeService(IGrainFactory grains, PartCache parts, UpdateIntake intake, NodeConnections connections,
    CallEnding calls, TimeProvider time) : Node.NodeBase
{
    public override async Task<PollTaskResponse> PollTask(PollTaskRequest request, ServerCallContext context)
    {
        using var ending = calls.Of(context);
        var connection = await connections.NoteAsync(context);
        var poll = request.ToGrain() with { Connection = connection };
        var reply = await grains.GetGrain<INodeGrain>(context.NodeId()).PollAsync(poll, ending.Token);
        return reply.Task is { } task
            ? new PollTaskResponse { Task = await ToWireAsync(task, context.CancellationToken), NodeName = reply.NodeName }
            : new PollTaskResponse { WaitingFor = reply.WaitingFor, NodeName = reply.NodeName };
    }

    public override async Task GetBlob(GetBlobRequest request, IServerStreamWriter<Chunk> responseStream, ServerCallContext context)
    {
        var sha256 = RequestChecks.Blob(request.Sha256);
        using var ending = calls.Of(context);
        await using var blob = await OpenAsync(sha256, context.NodeId(), ending.Token);
        await BlobOut.SendAsync(blob, request.Offset, responseStream, time, ending.Token);
    }

    public override async Task PutUpdate(IAsyncStreamReader<UpdateMessage> requestStream, IServerStreamWriter<UpdateAck> responseStream,
        ServerCallContext context)
    {
        using var ending = calls.Of(context);
        await intake.TakeAsync(context.NodeId(), requestStream, responseStream, ending.Token);
    }

    public override async Task<Protocol.V1.StatusReply> ReportStatus(Protocol.V1.StatusReport request, ServerCallContext context)
    {
        _ = FederationKey.Of(request.Federation);
        await connections.NoteAsync(context);
        var reply = await grains.GetGrain<INodeGrain>(context.NodeId()).ReportAsync(request.ToGrain(), context.CancellationToken);
        return new Protocol.V1.StatusReply { Wanted = reply.Wanted, Reason = reply.Reason };
    }

    /// <summary>What the node's tasks name can be had from any coordinator of a cluster, whichever named it.</summary>
    private async Task<Stream> OpenAsync(string sha256, string node, CancellationToken cancellationToken)
    {
        if (!parts.Knows(sha256))
        {
            foreach (var task in await grains.GetGrain<INodeGrain>(node).TasksAsync(cancellationToken))
                await parts.NameAsync(task, cancellationToken);
        }

        return await parts.OpenAsync(sha256, cancellationToken);
    }

    private async Task<Protocol.V1.TrainingTask> ToWireAsync(Grains.Federations.TrainingTask task, CancellationToken cancellationToken)
    {
        var wire = new Protocol.V1.TrainingTask
        {
            Federation = task.Federation,
            Round = (uint)task.Round,
            Attempt = (uint)task.Attempt,
            Adapter = await parts.SplitAsync(task, cancellationToken),
            Definition = task.Definition.ToWire(layout: false),
            DeadlineUnixMs = task.Deadline.ToUnixTimeMilliseconds(),
            SecondsLeft = Math.Max(0, (task.Deadline - time.GetUtcNow()).TotalSeconds),
            Rank = (uint)task.Rank,
            DensityDown = task.DensityDown,
            DensityUp = task.DensityUp,
            TaskId = $"{task.Federation}/{task.Round}/{task.Attempt}",
        };
        foreach (var fold in task.Fold)
            wire.Fold.Add(await parts.SplitAsync(fold.Sha256, cancellationToken));
        return wire;
    }
}
