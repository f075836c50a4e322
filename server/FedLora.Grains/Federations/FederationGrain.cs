using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

/// <summary>
/// One federation: stores what <see cref="RoundDecisions"/> decides, then does it. It decides nothing itself, and nothing long is done in
/// its turns. What follows from a decision is in FederationGrain.Effects.cs, nodes in FederationGrain.Nodes.cs, updates in
/// FederationGrain.Updates.cs, what others see in FederationGrain.Views.cs. <see cref="FederationWatch"/> keeps in memory those that have
/// something to do; one that has ended leaves it some time after it was last asked for.
/// </summary>
public sealed partial class FederationGrain(
    [PersistentState("federation")] IPersistentState<FederationRow> row,
    [PersistentState("round")] IPersistentState<FirstRoundRow> firstRound,
    IBlobStore blobs,
    RoundAggregator aggregator,
    NodeBudgets budgets,
    CoordinatorInstruments instruments,
    TimeProvider time,
    ILogger<FederationGrain> log) : Grain, IFederationGrain, IDisposable
{
    private readonly ConcurrentQueue<FederationEvent> _inbox = new();
    private IGrainTimer? _due;
    private IGrainTimer? _posted;

    private string Name => this.GetPrimaryKeyString();

    private FederationStanding Standing => row.State.Standing ?? throw Unknown();

    private FederationDefinition Definition => Standing.Definition;

    private RoundProgress Round => Standing.Round;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _due = this.RegisterGrainTimer(DueAsync, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _posted = this.RegisterGrainTimer(ReadInboxAsync, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await UpgradeAsync();
        if (row.State.Standing is not { } standing)
            return;
        if (standing.State == FederationState.Running)
            log.Resumed(Name, standing.Round.Round, standing.Round.State);
        // In a turn of its own: activation must not wait for nodes.
        Post(new FederationEvent.Resumed());
        NoteState();
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Release();
        _aggregating?.Cancel();
        return Task.CompletedTask;
    }

    public async Task<FederationView> CreateAsync(FederationDefinition definition, AdapterRef adapter, NodePrivacy[] privacy,
        CancellationToken cancellationToken)
    {
        if (row.State.Standing is not null)
            throw new RefusedException(RefusalCodes.FederationExists, $"There is a federation '{Name}' already.", "Choose another name.");
        row.State = new()
        {
            Format = FederationRow.PresentFormat,
            Standing = RoundDecisions.Create(definition, adapter, [.. privacy], time.GetUtcNow()),
        };
        await StoreAsync();
        log.Created(Name, definition.Method, adapter.Sha256);
        Changed();
        return View();
    }

    public async Task<FederationView> StartAsync(CancellationToken cancellationToken)
    {
        Require(FederationState.Created, FederationState.Paused, FederationState.Running);
        Here.ForgetBudgets();
        await SendAsync(new FederationEvent.StartAsked());
        return View();
    }

    public async Task<FederationView> PauseAsync(string reason, CancellationToken cancellationToken)
    {
        Require(FederationState.Running, FederationState.Paused);
        await SendAsync(new FederationEvent.PauseAsked(reason));
        return View();
    }

    public async Task<FederationView> StopAsync(string reason, CancellationToken cancellationToken)
    {
        Require(FederationState.Created, FederationState.Running, FederationState.Paused, FederationState.Stopped);
        await SendAsync(new FederationEvent.StopAsked(reason));
        return View();
    }

    public async Task<FederationView> ChangeAsync(FederationDefinition wanted, CancellationToken cancellationToken)
    {
        Require(FederationState.Created, FederationState.Running, FederationState.Paused);
        FederationDefinition? changed = null;
        RefusedException.Pass(() => changed = DefinitionChange.Apply(Definition, wanted));
        await SendAsync(new FederationEvent.TermsChanged(changed!));
        return View();
    }

    public async Task DeleteAsync(CancellationToken cancellationToken)
    {
        Require(FederationState.Created, FederationState.Finished, FederationState.Stopped);
        for (var page = Standing.Paged / FederationStanding.PageSize - 1; page >= 0; page--)
            await Page(page).DeleteAsync(CancellationToken.None);
        await row.ClearStateAsync(CancellationToken.None);
        Release();
        DeactivateOnIdle();
    }

    public void Dispose() => _aggregating?.Dispose();

    private RefusedException Unknown()
    {
        // Whoever makes up names must not fill the memory with federations that there are not.
        DeactivateOnIdle();
        return new(RefusalCodes.FederationUnknown, $"There is no federation '{Name}'.", "See: fedlora admin federation list");
    }

    private void Require(params ReadOnlySpan<FederationState> allowed)
    {
        if (!allowed.Contains(Standing.State))
            throw new RefusedException(RefusalCodes.FederationState,
                $"Federation '{Name}' is {Standing.State.ToString().ToLowerInvariant()}.", $"See: fedlora admin federation show {Name}");
    }

    private async Task<Decision> SendAsync(FederationEvent @event) => (await SendAsync([@event]))[0];

    /// <summary>Decides one after another, stores once, and only then does what was decided.</summary>
    private async Task<IReadOnlyList<Decision>> SendAsync(IReadOnlyList<FederationEvent> events)
    {
        var now = time.GetUtcNow();
        var before = Standing;
        var standing = before;
        var decisions = new List<Decision>(events.Count);
        foreach (var @event in events)
        {
            var decision = RoundDecisions.Decide(standing, @event, now);
            decisions.Add(decision);
            standing = decision.Standing;
        }

        if (!ReferenceEquals(standing, before))
        {
            row.State.Standing = standing;
            await StoreAsync();
            Changed();
        }

        var wait = decisions[^1].Due - now;
        _due!.Change(wait is null ? Timeout.InfiniteTimeSpan : wait > TimeSpan.Zero ? wait.Value : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        foreach (var effect in decisions.SelectMany(decision => decision.Effects))
            await DoAsync(effect);
        return decisions;
    }

    /// <summary>From outside of any turn, though on the grain's scheduler: the event is sent in a turn of its own, soon.</summary>
    private void Post(FederationEvent @event)
    {
        _inbox.Enqueue(@event);
        _posted!.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private async Task ReadInboxAsync(CancellationToken cancellationToken)
    {
        while (_inbox.TryDequeue(out var @event))
        {
            if (@event is FederationEvent.Aggregated or FederationEvent.AggregationFailed)
                EndOfAggregation();
            try
            {
                await SendAsync(@event);
            }
            finally
            {
                EndOfLook();
            }
        }
    }

    private Task DueAsync(CancellationToken cancellationToken) =>
        row.State.Standing is null ? Task.CompletedTask : SendAsync(new FederationEvent.Due(_aggregating is not null));

    private Task StoreAsync() => StoredState.StoreAsync(this, row, Release);

    private async Task UpgradeAsync()
    {
        var old = row.State.Standing is null;
        row.State.Upgrade(firstRound.State, time.GetUtcNow());
        if (!old || row.State.Standing is not { } standing)
            return;
        while (standing.Recent.Count >= 2 * FederationStanding.PageSize)
        {
            var page = standing.Paged / FederationStanding.PageSize;
            await Page(page).WriteAsync([.. standing.Recent.Take(FederationStanding.PageSize)], CancellationToken.None);
            standing = RoundDecisions.Decide(standing, new FederationEvent.PageWritten(page), time.GetUtcNow()).Standing;
        }

        row.State.Standing = standing;
        await StoreAsync();
    }
}
