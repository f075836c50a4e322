namespace FedLora.Grains.Registry;

/// <summary>The list of federations.</summary>
[KeepAlive]
public sealed class RegistryGrain([PersistentState("registry")] IPersistentState<RegistryRecord> registry) : Grain, IRegistryGrain
{
    private RegistryRecord State => registry.State;

    public Task<EnrolmentRecord> EnrolmentBeforeAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new EnrolmentRecord { Tokens = new(State.Tokens), Nodes = new(State.Nodes) });

    public async Task RequireFreeAsync(string name, CancellationToken cancellationToken)
    {
        if (!State.Federations.ContainsKey(name) && await CreatedBeforeAsync(Federation(name), cancellationToken) is { } view)
            await ListAsync(view);
        if (State.Federations.ContainsKey(name))
            throw new RefusedException(RefusalCodes.FederationExists, $"There is a federation '{name}' already.", "Choose another name.");
    }

    public async Task<FederationView> AddFederationAsync(FederationDefinition definition, AdapterRef adapter, NodePrivacy[] privacy,
        CancellationToken cancellationToken)
    {
        await RequireFreeAsync(definition.Name, cancellationToken);
        // Not the caller's token: it is there and listed, or neither.
        var view = await Federation(definition.Name).CreateAsync(definition, adapter, privacy, CancellationToken.None);
        await ListAsync(view);
        return view;
    }

    public Task<IReadOnlyList<FederationEntry>> ListFederationsAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<FederationEntry>>(
            State.Federations.Values.OrderBy(entry => entry.Name, StringComparer.Ordinal).ToArray());

    public async Task RemoveFederationAsync(string name, CancellationToken cancellationToken)
    {
        // Not the caller's token: it is gone and not listed, or neither. Killed in between it is listed only, and removed when it is asked
        // for again.
        if (await CreatedBeforeAsync(Federation(name), cancellationToken) is not null)
            await Federation(name).DeleteAsync(CancellationToken.None);
        else if (!State.Federations.ContainsKey(name))
            throw new RefusedException(RefusalCodes.FederationUnknown, $"There is no federation '{name}'.",
                "See 'fedlora admin federation list'.");
        if (State.Federations.Remove(name))
            await this.StoreAsync(registry);
    }

    public async Task NoteFederationAsync(string name, FederationState state, CancellationToken cancellationToken)
    {
        if (!State.Federations.TryGetValue(name, out var entry) || entry.State == state)
            return;
        State.Federations[name] = entry with { State = state };
        await this.StoreAsync(registry);
    }

    private async Task ListAsync(FederationView view)
    {
        State.Federations[view.Definition.Name] = new() { Name = view.Definition.Name, State = view.State, CreatedAt = view.CreatedAt };
        await this.StoreAsync(registry);
    }

    private IFederationGrain Federation(string name) => GrainFactory.GetGrain<IFederationGrain>(name);

    // Killed between the federation's write and the registry's: it is there, but not listed.
    private static async Task<FederationView?> CreatedBeforeAsync(IFederationGrain grain, CancellationToken cancellationToken)
    {
        try
        {
            return await grain.GetAsync(cancellationToken);
        }
        catch (RefusedException refusal) when (refusal.Code == RefusalCodes.FederationUnknown)
        {
            return null;
        }
    }
}
