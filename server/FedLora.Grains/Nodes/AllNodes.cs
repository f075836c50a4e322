namespace FedLora.Grains.Nodes;

/// <summary>The enrolled nodes together.</summary>
public static class AllNodes
{
    /// <summary>All of them, by name.</summary>
    public static async Task<IReadOnlyList<NodeView>> NodesAsync(this IGrainFactory grains, CancellationToken cancellationToken) =>
        await Task.WhenAll((await ListAsync(grains, cancellationToken))
            .Select(node => grains.GetGrain<INodeGrain>(node.NodeId).GetAsync(cancellationToken)));

    /// <summary>The node of an id, or else of a name: a node may be named like another's id.</summary>
    /// <exception cref="RefusedException"><c>node-unknown-name</c>.</exception>
    public static async Task<INodeGrain> FindNodeAsync(this IGrainFactory grains, string idOrName, CancellationToken cancellationToken)
    {
        var nodes = await ListAsync(grains, cancellationToken);
        var node = nodes.FirstOrDefault(node => node.NodeId == idOrName) ?? nodes.FirstOrDefault(node => node.Name == idOrName)
            ?? throw new RefusedException(RefusalCodes.NodeUnknownName, $"There is no node '{idOrName}'.", "See: fedlora admin node list");
        return grains.GetGrain<INodeGrain>(node.NodeId);
    }

    /// <summary>
    /// Has all of them ask for work again: those whose polls are waiting know nothing of a federation that has just come. Who is not woken
    /// asks within a minute.
    /// </summary>
    public static async Task WakeNodesAsync(this IGrainFactory grains, CancellationToken cancellationToken) =>
        await Task.WhenAll((await ListAsync(grains, cancellationToken))
            .Select(node => grains.GetGrain<INodeGrain>(node.NodeId).WakeAsync(cancellationToken)));

    private static Task<IReadOnlyList<NodeEntry>> ListAsync(IGrainFactory grains, CancellationToken cancellationToken) =>
        grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).ListNodesAsync(cancellationToken);
}
