using FedLora.Server.Authentication;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;

namespace FedLora.Server.Services;

/// <summary>
/// Which nodes have a connection open. A node always has one while it runs: its poll waits on it, and so do its uploads; a node that is
/// killed loses it at once, one whose machine is gone when
/// the server's ping is not answered (3 s after its last byte, within 5 s).
/// </summary>
/// <param name="grains">The nodes'.</param>
/// <param name="silo">This coordinator's; null: it has none.</param>
internal sealed class NodeConnections(IGrainFactory grains, ILocalSiloDetails? silo = null)
{
    /// <summary>
    /// Notes that the calling node uses this connection, and tells its grain when that ends. Once for each connection and node. Returns the
    /// connection, where it can be known when it ends.
    /// </summary>
    public async Task<NodeConnection?> NoteAsync(ServerCallContext context)
    {
        var (http, id) = (context.GetHttpContext(), context.NodeId());
        if (http.Features.Get<IConnectionItemsFeature>() is not { } items
            || http.Features.Get<IConnectionLifetimeFeature>() is not { } lifetime)
            return null;
        var (key, connection) = ((typeof(NodeConnections), id), new NodeConnection(http.Connection.Id, silo?.SiloAddress));
        lock (items.Items)
        {
            if (!items.Items.TryAdd(key, connection))
                return connection;
        }

        await grains.GetGrain<INodeGrain>(id).ConnectedAsync(connection, context.CancellationToken);
        // A connection outlives its calls, and with it this; it is let go when the connection has ended.
        _ = lifetime.ConnectionClosed.Register(() => _ = LeaveAsync(id, connection.Id));
        return connection;
    }

    private async Task LeaveAsync(string id, string connection)
    {
        try
        {
            await grains.GetGrain<INodeGrain>(id).DisconnectedAsync(connection, CancellationToken.None);
        }
        catch (Exception)
        {
            // The coordinator is ending: nobody asks any more. A node that nothing is heard of is gone after a while in any case.
        }
    }
}
