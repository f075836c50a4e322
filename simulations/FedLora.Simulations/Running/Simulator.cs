using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Simulations.Nodes;
using FedLora.Simulations.Scenarios;
using FedLora.Simulations.Trainers;

namespace FedLora.Simulations.Running;

/// <summary>
/// One federation in virtual time. Everything that is decided, <see cref="RoundDecisions"/> decides, as for the coordinator; this keeps the
/// clock, has nodes trained whose updates arrive, and does what was decided (Simulator.Effects.cs). The same setup gives the same bytes.
/// </summary>
internal sealed partial class Simulator
{
    private static readonly DateTimeOffset Beginning = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ScenarioDefinition _scenario;
    private readonly FederationDefinition _definition;
    private readonly Fleet _fleet;
    private readonly INodeWork _work;
    private readonly Ledgers _ledgers;
    private readonly Outages _outages;
    private readonly Agenda _agenda = new();
    private readonly Action<RoundOutcome> _told;
    private readonly CancellationToken _cancellation;
    private FederationStanding _standing;
    private double? _due;
    private double _now;

    /// <param name="definition">Whole.</param>
    /// <param name="first">The global adapter before round 1.</param>
    /// <param name="told">Told of every committed round, in order.</param>
    public Simulator(ScenarioDefinition scenario, FederationDefinition definition, AdapterState first, Fleet fleet, INodeWork work,
        Action<RoundOutcome> told, CancellationToken cancellationToken)
    {
        (_scenario, _definition, _fleet, _work, _told, _cancellation) = (scenario, definition, fleet, work, told, cancellationToken);
        (_ledgers, _outages, _global) = (new(definition, fleet), new(scenario), first);
        _standing = RoundDecisions.Create(definition, RefOf(first), [], Beginning);
        foreach (var back in _outages.Returns)
            _agenda.Add(back, new Entry.Back());
    }

    /// <summary>The global adapter after the last committed round.</summary>
    public AdapterState Global => _global;

    /// <summary>Products to fold into the base weights, oldest first.</summary>
    public IReadOnlyList<AdapterState> Folds => _folds;

    public FederationStanding Standing => _standing;

    /// <summary>Seconds after the start.</summary>
    public double Now => _now;

    public double? LargestEpsilon => _ledgers.Largest;

    /// <summary>What a node has spent; 0 without privacy.</summary>
    public double EpsilonOf(int node) => _ledgers.SpentAt(node);

    /// <summary>Runs until the federation is finished, or pauses: an operator who would start it again is not simulated.</summary>
    public void Run()
    {
        Send(new FederationEvent.StartAsked());
        while (_standing.State == FederationState.Running)
        {
            _cancellation.ThrowIfCancellationRequested();
            var due = _due is { } at ? _outages.CoordinatorAnswers(at) : double.PositiveInfinity;
            var next = Math.Min(due, _agenda.Next);
            // It waits for nothing: it would have paused.
            if (double.IsPositiveInfinity(next))
                break;
            _now = Math.Max(_now, next);
            if (due < _agenda.Next)
                Send(new FederationEvent.Due(_aggregating is not null));
            else
                Do(_agenda.Take());
        }
    }

    private DateTimeOffset Clock => Beginning + TimeSpan.FromSeconds(_now);

    private RoundWork Current => _current ??= new(_definition, _standing.Round.Round, _global, _folds, _fleet, _ledgers);

    private void Do(Entry entry)
    {
        switch (entry)
        {
            case Entry.Began began:
                Charge(began.Work);
                break;
            case Entry.Ended ended:
                // Of a round that is over nobody hears any more.
                if (!ReferenceEquals(_working[ended.Work.Task.Node], ended.Work))
                    break;
                _working[ended.Work.Task.Node] = null;
                NodeEnded(ended.Work);
                break;
            case Entry.Aggregated aggregated when _aggregating is { } result && aggregated.Round == _standing.Round.Round:
                _aggregating = null;
                Commit(result);
                break;
            case Entry.Back:
                Send(new FederationEvent.Resumed());
                break;
        }
    }

    private void NodeEnded(Work work)
    {
        if (work.Times.Fails)
        {
            Fail(work, "it gave up");
            return;
        }

        // It has been told meanwhile, and has stopped.
        if (IsUnwanted(work) || (_definition.Privacy is not null && work.Receipt is null))
        {
            work.End = WorkEnd.NotWanted;
            return;
        }

        TrainNext(work);
        Deliver(work);
    }

    private bool IsUnwanted(Work work) => RoundDecisions.NotWanted(_standing, work.Task.Id, work.Round).Length > 0;

    // Paid for is what begins, whatever comes of it: nobody hears of it, it is too late, it starts again.
    private void Charge(Work work)
    {
        if (!ReferenceEquals(_working[work.Task.Node], work) || IsUnwanted(work))
            return;
        try
        {
            work.Receipt = _ledgers.Charge(work.Task.Node, work.Round, _cancellation);
        }
        catch (FedLoraException error)
        {
            _working[work.Task.Node] = null;
            if (error.Code == "privacy-budget-exhausted")
                _refused[work.Task.Node] = error.Message;
            Fail(work, error.Message);
        }
    }

    // With the one that is due those that will be wanted next, where several can be trained at once.
    private void TrainNext(Work work)
    {
        if (work.Result is not null)
            return;
        var deadline = _standing.Round.Deadline is { } until ? (until - Beginning).TotalSeconds : work.Times.End;
        var wanted = Math.Max(1, _standing.Round.Wanted - _standing.Round.Updates.Count);
        var batch = _open.Where(
            other => other.Result is null && !other.Times.Fails && other.Round == work.Round && other.End == WorkEnd.Missing
                && other.Times.End >= work.Times.End
                && other.Times.End <= deadline).OrderBy(other => other.Times.End).Take(wanted).ToList();
        if (!batch.Contains(work))
            batch = [work];
        var results = _work.Train(Current, [.. batch.Select(one => one.Task)], _cancellation);
        // As the coordinator checks bytes beside one another.
        Parallel.For(0, batch.Count, i =>
        {
            batch[i].Result = results[i];
            batch[i].Refusal = results[i].Error is null ? Check(batch[i], results[i]) : null;
        });
    }

    private Decision Send(FederationEvent @event)
    {
        var decision = RoundDecisions.Decide(_standing, @event, Clock);
        _standing = decision.Standing;
        _due = decision.Due is { } due ? (due - Beginning).TotalSeconds : null;
        foreach (var effect in decision.Effects)
            Do(effect);
        return decision;
    }

    private static AdapterRef RefOf(AdapterState adapter) =>
        new() { Sha256 = adapter.Hash, Bytes = SafetensorsWriter.FileLength([.. adapter.Select(tensor => (tensor.Name, tensor.Shape))]) };
}
