using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Grains.Nodes;

/// <summary>
/// Tells the node grains of this silo that a coordinator has died over which their nodes called: it can no longer tell them itself that a
/// node has hung up.
/// </summary>
/// <param name="services">Where the cluster's members are known, and the grains; asked for late: parts of the silo need this.</param>
public sealed class CoordinatorDeaths(IServiceProvider services) : ISiloStatusListener
{
    private readonly ConcurrentDictionary<SiloAddress, ConcurrentDictionary<string, bool>> _nodes = new();
    private int _listens;

    private ISiloStatusOracle Members => services.GetRequiredService<ISiloStatusOracle>();

    /// <summary>The node calls over this coordinator. Returns whether that one lives, as far as is known.</summary>
    public bool Watch(SiloAddress coordinator, string node)
    {
        if (Interlocked.Exchange(ref _listens, 1) == 0)
            Members.SubscribeToSiloStatusEvents(this);
        _nodes.GetOrAdd(coordinator, _ => new(StringComparer.Ordinal))[node] = true;
        // Looked at after it is noted: who dies in between is told of, or seen here.
        return !Members.IsDeadSilo(coordinator);
    }

    /// <summary>It no longer does, or its grain is no longer here.</summary>
    public void Forget(SiloAddress coordinator, string node)
    {
        if (_nodes.TryGetValue(coordinator, out var nodes))
            nodes.TryRemove(node, out _);
    }

    void ISiloStatusListener.SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status != SiloStatus.Dead || !_nodes.TryRemove(updatedSilo, out var nodes))
            return;
        var grains = services.GetRequiredService<IGrainFactory>();
        foreach (var node in nodes.Keys)
            grains.GetGrain<INodeGrain>(node).CoordinatorDiedAsync(updatedSilo, CancellationToken.None).Ignore();
    }
}
