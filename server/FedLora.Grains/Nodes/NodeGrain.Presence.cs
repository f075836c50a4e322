namespace FedLora.Grains.Nodes;

/// <content>Whether it is here, and when it was last.</content>
public sealed partial class NodeGrain
{
    private static readonly TimeSpan PresenceKept = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, SiloAddress> _connections = new(StringComparer.Ordinal);
    private DateTimeOffset? _seen;
    private bool _left;
    private bool _presenceUnknown;
    // By a clock that nobody sets: one that is set back would keep the dead alive.
    private long _heard;

    private bool IsHere => !_left && time.GetElapsedTime(_heard) <= NodesHere.Window;

    public Task ConnectedAsync(NodeConnection connection, CancellationToken cancellationToken)
    {
        Connect(connection);
        return Task.CompletedTask;
    }

    public Task DisconnectedAsync(string connection, CancellationToken cancellationToken)
    {
        _connections.Remove(connection, out var coordinator);
        if (coordinator is not null && !_connections.ContainsValue(coordinator))
            deaths.Forget(coordinator, Id);
        return LeaveAsync();
    }

    public Task CoordinatorDiedAsync(SiloAddress coordinator, CancellationToken cancellationToken)
    {
        foreach (var (connection, _) in _connections.Where(known => known.Value.Equals(coordinator)).ToList())
            _connections.Remove(connection);
        // A node that lives has called another one by now: a coordinator is not declared dead at once.
        return LeaveAsync();
    }

    private void Connect(NodeConnection? connection)
    {
        if (connection is null || !_connections.TryAdd(connection.Id, connection.Coordinator))
            return;
        if (!deaths.Watch(connection.Coordinator, Id))
            _connections.Remove(connection.Id);
    }

    private void ForgetConnections()
    {
        foreach (var coordinator in _connections.Values)
            deaths.Forget(coordinator, Id);
    }

    private async Task LeaveAsync()
    {
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
