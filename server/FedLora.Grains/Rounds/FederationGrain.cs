using Microsoft.Extensions.Logging;

namespace FedLora.Grains;

/// <summary>
/// One federation and its round at work. State is written before anything is done about it, so a coordinator that is killed in any phase goes on where it was.
/// The round is in FederationGrain.Rounds.cs, updates in FederationGrain.Updates.cs, what others see in FederationGrain.Views.cs.
/// </summary>
[KeepAlive]
public sealed partial class FederationGrain(
    [PersistentState("federation")] IPersistentState<FederationRecord> federation,
    [PersistentState("round")] IPersistentState<RoundProgress> round,
    IBlobStore blobs,
    RoundAggregator aggregator,
    CoordinatorInstruments instruments,
    TimeProvider time,
    ILogger<FederationGrain> log) : Grain, IFederationGrain, IDisposable
{
    private IGrainTimer? _timer;

    private string Name => this.GetPrimaryKeyString();

    private FederationDefinition Definition => federation.State.Definition
        ?? throw new RefusedException(RefusalCodes.FederationUnknown, $"There is no federation '{Name}'.", "See 'fedlora admin federation list'.");

    private RoundProgress Round => round.State;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _timer = this.RegisterGrainTimer(AdvanceAsync, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (federation.State.Definition is null)
            return;
        // Committed, and killed before the next round was noted.
        if (Round.Round != federation.State.RoundsDone + 1)
            round.State = NextRound();
        if (federation.State.State == FederationState.Running)
            log.Resumed(Name, Round.Round, Round.State);
        // In a turn of its own: activation must not wait for nodes.
        _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        NoteState();
        await Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _changed.TrySetResult();
        await CancelAggregationAsync();
    }

    public async Task<FederationView> CreateAsync(FederationDefinition definition, string? initialAdapter, IReadOnlyList<string> nodes, CancellationToken cancellationToken)
    {
        if (federation.State.Definition is not null)
            throw new RefusedException(RefusalCodes.FederationExists, $"There is a federation '{Name}' already.", "Choose another name.");
        RefusedException.Pass(() => DefinitionRules.CheckWhole(definition));
        var privacy = definition.Privacy is null ? [] : await PrivacyPlanner.RequireAsync(definition, [.. nodes.Select(id => GrainFactory.GetGrain<INodeGrain>(id))], cancellationToken);
        var adapter = await FirstAdapter.MakeAsync(blobs, definition, initialAdapter, cancellationToken);
        federation.State = new() { Definition = definition, State = FederationState.Created, CreatedAt = time.GetUtcNow(), Adapter = adapter, Privacy = privacy };
        await StoreAsync(federation);
        round.State = NextRound();
        log.Created(Name, definition.Method, adapter.Sha256);
        Changed();
        return View();
    }

    public async Task<FederationView> StartAsync(CancellationToken cancellationToken)
    {
        var state = Require(FederationState.Created, FederationState.Paused, FederationState.Running);
        if (state == FederationState.Running)
            return View();
        if (Round.State != RoundState.Aggregating)
        {
            // A fresh count of repetitions; what was acknowledged stays.
            Round.State = RoundState.Sampling;
            Round.SamplingSince = time.GetUtcNow();
            Round.Attempt += Round.OpenedAt is null ? 0 : 1;
            Round.FirstAttempt = Round.Attempt;
            await StoreAsync(round);
        }

        await SetStateAsync(FederationState.Running, "", cancellationToken);
        await AdvanceAsync(cancellationToken);
        return View();
    }

    public async Task<FederationView> PauseAsync(string reason, CancellationToken cancellationToken)
    {
        if (Require(FederationState.Running, FederationState.Paused) == FederationState.Running)
            await SetStateAsync(FederationState.Paused, reason, cancellationToken);
        return View();
    }

    public async Task<FederationView> StopAsync(string reason, CancellationToken cancellationToken)
    {
        if (Require(FederationState.Created, FederationState.Running, FederationState.Paused, FederationState.Stopped) != FederationState.Stopped)
        {
            await SetStateAsync(FederationState.Stopped, reason, cancellationToken);
            await CancelAggregationAsync();
        }

        return View();
    }

    public void Dispose() => _aggregating?.Dispose();

    private FederationState Require(params ReadOnlySpan<FederationState> allowed)
    {
        _ = Definition;
        var state = federation.State.State;
        return allowed.Contains(state) ? state
            : throw new RefusedException(RefusalCodes.FederationState, $"Federation '{Name}' is {state.ToString().ToLowerInvariant()}.", "See 'fedlora admin federation show'.");
    }

    private Task StoreAsync(Orleans.Core.IStorage state) => StoredState.StoreAsync(this, state);

    private async Task SetStateAsync(FederationState state, string reason, CancellationToken cancellationToken)
    {
        federation.State.State = state;
        federation.State.Reason = reason;
        await StoreAsync(federation);
        log.StateChanged(Name, state, reason);
        NoteState();
        Changed();
    }

    // Not awaited: the registry may be waiting for this grain. It is told again at every activation.
    private void NoteState() => _ = TellRegistryAsync(federation.State.State);

    private async Task TellRegistryAsync(FederationState state)
    {
        try
        {
            await GrainFactory.GetGrain<IRegistryGrain>(IRegistryGrain.Key).NoteFederationAsync(Name, state, CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            log.RegistryNotTold(error, Name);
        }
    }

    private RoundProgress NextRound() => new() { Round = federation.State.RoundsDone + 1, SamplingSince = time.GetUtcNow() };
}
