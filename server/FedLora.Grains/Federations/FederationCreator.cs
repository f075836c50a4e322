using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

/// <summary>Works out what a definition's privacy terms mean at these nodes; may take seconds.</summary>
public delegate List<NodePrivacy> CalibrateRows(FederationDefinition definition, IReadOnlyList<NodeView> nodes,
    CancellationToken cancellationToken);

/// <summary>
/// Creates federations: checks, calibrates and makes the first adapter outside of any grain's turn, since every node's poll passes through
/// the registry.
/// </summary>
public sealed class FederationCreator(IGrainFactory grains, IBlobStore blobs, CalibrateRows calibrate, ILogger<FederationCreator> log)
{
    /// <param name="definition">As the operator wrote it.</param>
    /// <param name="initialAdapter">The blob of the first global adapter; null: what the method makes of layout and seed.</param>
    /// <exception cref="RefusedException">It exists, cannot run, or fits too few nodes' privacy limits.</exception>
    public async Task<FederationView> CreateAsync(FederationDefinition definition, string? initialAdapter,
        CancellationToken cancellationToken)
    {
        RefusedException.Pass(() => DefinitionRules.CheckWhole(definition));
        var (registry, enrolment) = (grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key),
            grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key));
        await registry.RequireFreeAsync(definition.Name, cancellationToken);
        var nodes = await enrolment.ListNodesAsync(cancellationToken);
        NamedNodes.Require(definition, nodes);
        var privacy = new List<NodePrivacy>();
        if (definition.Privacy is not null)
        {
            privacy = await PrivacyPlanner.RequireAsync(definition, [.. nodes.Select(node => grains.GetGrain<INodeGrain>(node.NodeId))],
                calibrate, cancellationToken);
        }

        var adapter = await FirstAdapter.MakeAsync(blobs, definition, initialAdapter, cancellationToken);
        var view = await registry.AddFederationAsync(definition, adapter, [.. privacy], cancellationToken);
        try
        {
            // So that it knows who is there before it is started.
            await grains.WakeNodesAsync(CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            // It is created all the same.
            log.NotAllWoken(error, definition.Name);
        }
        return view;
    }
}
