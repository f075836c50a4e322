using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// A node that works for as long as its federation lasts, as a daemon does: whatever becomes of the coordinator, it asks again. Remembers
/// what was acknowledged to it, and notes what a coordinator has forgotten.
/// </summary>
internal sealed class WorkingNode(TestNode node, Func<uint, Task>? gate = null)
{
    private readonly Lock _turn = new();
    private readonly Dictionary<string, long> _acknowledged = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, string> _delivered = [];
    private readonly List<string> _lost = [];

    /// <summary>Acknowledged updates, or bytes of them, that a coordinator knew nothing of later.</summary>
    public IReadOnlyList<string> Lost => _lost;

    /// <summary>How many updates were acknowledged.</summary>
    public int Delivered => _delivered.Count;

    /// <summary>The rounds whose updates are acknowledged so far.</summary>
    public IReadOnlyList<uint> Rounds()
    {
        lock (_turn) return [.. _delivered.Keys];
    }

    /// <summary>The coordinator was put back to a moment when these were acknowledged: of the others it may ask again.</summary>
    public void PutBack(IReadOnlyList<uint> rounds)
    {
        lock (_turn)
        {
            _acknowledged.Clear();
            foreach (var round in _delivered.Keys.Except(rounds).ToList()) _delivered.Remove(round);
        }
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (await node.PollAsync(waitSeconds: 1) is { } task)
                    await DoAsync(task);
            }
            catch (Exception error) when (error is IOException or InvalidOperationException or RpcException
            {
                StatusCode: not (StatusCode.InvalidArgument or StatusCode.Unauthenticated or StatusCode.PermissionDenied)
            })
            {
                // It was killed in the middle of it, or the round is over.
            }
        }
    }

    private async Task DoAsync(TrainingTask task)
    {
        if (gate is not null) await gate(task.Round);
        lock (_turn)
        {
            if (_delivered.TryGetValue(task.Round, out var before))
                _lost.Add($"round {task.Round} is asked for again, though its update {before} was acknowledged");
        }

        var update = node.Train(task, await node.FetchAsync(task));
        var header = TestNode.Header(task, update);
        await node.UploadAsync(header, update, heard: ack =>
        {
            lock (_turn)
            {
                var known = _acknowledged.GetValueOrDefault(header.Blob.Sha256);
                if (ack.Received < known)
                    _lost.Add($"of round {task.Round}'s update {known} bytes were acknowledged, {ack.Received} are known");
                _acknowledged[header.Blob.Sha256] = ack.Received;
                if (ack.Complete) _delivered[task.Round] = header.Blob.Sha256;
            }
        });
    }
}
