namespace FedLora.Grains.Nodes;

/// <content>Whether it is here, and when it was last.</content>
public sealed partial class NodeGrain
{
    private static readonly TimeSpan PresenceKept = TimeSpan.FromMinutes(1);
    private readonly HashSet<string> _connections = new(StringComparer.Ordinal);
    private DateTimeOffset? _seen;
    private bool _left;
    private bool _presenceUnknown;
    // By a clock that nobody sets: one that is set back would keep the dead alive.
    private long _heard;

    private bool IsHere => !_left && time.GetElapsedTime(_heard) <= NodesHere.Window;

    public Task ConnectedAsync(string connection, CancellationToken cancellationToken)
    {
        _connections.Add(connection);
        return Task.CompletedTask;
    }

    public async Task DisconnectedAsync(string connection, CancellationToken cancellationToken)
    {
        _connections.Remove(connection);
        if (_connections.Count > 0 || _left)
            return;
        _left = true;
        // Its last sign of life: the next minute's write would be one that a killed coordinator never makes.
        await KeepPresenceAsync();
        await TellFederationsAsync(federation => federation.NodeLeftAsync(Id, CancellationToken.None));
    }

    private void Hear() => (_seen, _heard, _left) = (time.GetUtcNow(), time.GetTimestamp(), false);

    private async Task KeepPresenceAsync()
    {
        if (_seen == presence.State.LastSeen)
            return;
        try
        {
            if (_presenceUnknown)
                await presence.ReadStateAsync();
            (presence.State.LastSeen, presence.State.Traffic, presence.State.Tasks) = (_seen, _traffic, new(_shares.Tasks));
            _presenceUnknown = true;
            await presence.WriteStateAsync();
            _presenceUnknown = false;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // For people to look at: a full disk must not cost the node its work. The next minute tries again.
            log.PresenceNotKept(error, Id);
        }
    }
}
