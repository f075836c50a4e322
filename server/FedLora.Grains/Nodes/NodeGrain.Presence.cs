namespace FedLora.Grains.Nodes;

/// <content>Whether it is here, and when it was last.</content>
public sealed partial class NodeGrain
{
    private static readonly TimeSpan PresenceKept = TimeSpan.FromMinutes(1);
    // Of those to frontends when they were last heard of: nobody tells when a frontend dies.
    private readonly Dictionary<string, (SiloAddress? Coordinator, long Heard)> _connections = new(StringComparer.Ordinal);
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
        _connections.Remove(connection, out var known);
        if (known.Coordinator is { } coordinator && !_connections.Values.Any(other => coordinator.Equals(other.Coordinator)))
            deaths.Forget(coordinator, Id);
        return LeaveAsync();
    }

    public Task CoordinatorDiedAsync(SiloAddress coordinator, CancellationToken cancellationToken)
    {
        foreach (var (connection, _) in _connections.Where(known => coordinator.Equals(known.Value.Coordinator)).ToList())
            _connections.Remove(connection);
        // A node that lives has called another one by now: a coordinator is not declared dead at once.
        return LeaveAsync();
    }

    private void Connect(NodeConnection? connection)
    {
        if (connection is null)
            return;
        var isNew = !_connections.ContainsKey(connection.Id);
        _connections[connection.Id] = (connection.Coordinator, time.GetTimestamp());
        if (isNew && connection.Coordinator is { } coordinator && !deaths.Watch(coordinator, Id))
            _connections.Remove(connection.Id);
    }

    private void ForgetConnections()
    {
        foreach (var coordinator in _connections.Values.Select(known => known.Coordinator).OfType<SiloAddress>())
            deaths.Forget(coordinator, Id);
    }

    private async Task LeaveAsync()
    {
        foreach (var (connection, known) in _connections.ToList())
        {
            if (known.Coordinator is null && time.GetElapsedTime(known.Heard) > NodesHere.Window)
                _connections.Remove(connection);
        }

        if (_connections.Count > 0 || _left)
            return;
        _left = true;
        // Its last sign of life: the next minute's write would be one that a killed coordinator never makes.
        await KeepPresenceAsync();
        if (!_left)
            return;
        await TellFederationsAsync(federation => federation.NodeLeftAsync(Id, CancellationToken.None));
        // It has called again over another connection, and a federation may have heard that before this: it is to hear it again.
        if (!_left)
            await WakeAsync(CancellationToken.None);
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
