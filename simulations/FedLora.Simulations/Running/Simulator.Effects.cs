using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations;
using FedLora.Federations.Cohorts;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Federations.Updates;
using FedLora.Simulations.Trainers;

namespace FedLora.Simulations.Running;

/// <content>Doing what was decided.</content>
internal sealed partial class Simulator
{
    private readonly Dictionary<int, string> _refused = [];
    private readonly Dictionary<string, NodeResult> _updates = new(StringComparer.Ordinal);
    private readonly List<AdapterState> _folds = [];
    private readonly List<Work> _open = [];
    private Work?[] _working = [];
    private string?[] _budgets = [];
    private bool[] _joined = [];
    private AdapterState _global;
    private FedAdamState? _optimizer;
    private RoundWork? _current;
    private AggregationResult? _aggregating;
    private FedAdamState? _nextOptimizer;

    private void Do(FederationEffect effect)
    {
        switch (effect)
        {
            case FederationEffect.LookAtNodes:
                Send(new FederationEvent.Looked(Here(), _fleet.Count, _fleet.InOrder));
                break;
            case FederationEffect.AskBudgets ask:
                AskBudgets(ask.NodeIds);
                break;
            case FederationEffect.Opened opened:
                foreach (var id in opened.NodeIds)
                    Begin(_standing.Round.Cohort[id]);
                break;
            case FederationEffect.Aggregate when _aggregating is null:
                Aggregate();
                break;
            case FederationEffect.Committed committed:
                Tell(committed.Summary, committed.Before.Round.Wanted);
                break;
            case FederationEffect.WritePage page:
                Send(new FederationEvent.PageWritten(page.Page));
                break;
        }
    }

    // The whole fleet as it is where nothing is to be said of anyone.
    private IReadOnlyList<Candidate> Here()
    {
        Make();
        if (_fleet.AlwaysHere && _scenario.Outages.Count == 0 && _open.Count == 0 && _definition.Privacy is null && _refused.Count == 0)
            return _fleet.All;
        var here = new List<Candidate>(_fleet.Count);
        for (var node = 0; node < _fleet.Count; node++)
        {
            var work = _working[node];
            // Who works reports; who has vanished is silent, and so not there.
            if (work is not null ? double.IsPositiveInfinity(work.Times.End)
                : !_fleet.IsHere(node, _now) || _outages.IsAway(_fleet.NameOf(node), _fleet.GroupOf(node), _now))
                continue;
            var candidate = _fleet.All[node];
            if (_refused.GetValueOrDefault(node) is { } why)
                candidate = candidate with { Presence = candidate.Presence with { Refused = why } };
            here.Add(candidate with { Working = work is not null && work.Round == _standing.Round.Round, Budget = _budgets[node] });
        }

        return here;
    }

    private void Make()
    {
        if (_working.Length > 0)
            return;
        (_working, _budgets, _joined) = (new Work?[_fleet.Count], new string?[_fleet.Count], new bool[_fleet.Count]);
        for (var node = 0; node < _fleet.Count; node++)
        {
            if (_fleet.Data.CountOf(node) == 0)
                _refused[node] = "it has no examples";
        }
    }

    private void AskBudgets(IReadOnlyList<string> ids)
    {
        var known = _standing.Privacy.ToDictionary(row => row.NodeId, StringComparer.Ordinal);
        var rows = new List<NodePrivacy>();
        foreach (var id in ids)
        {
            var node = _fleet.IndexOf(id);
            _budgets[node] = _ledgers.Refusal(node, _cancellation);
            if (!known.ContainsKey(id))
                rows.Add(_ledgers.RowOf(node, _cancellation));
        }

        Send(new FederationEvent.PrivacyWorkedOut([.. rows]));
    }

    private void Begin(CohortEntry member)
    {
        var node = _fleet.IndexOf(member.NodeId);
        var task = new NodeTask(node, member.NodeId, member.Name, member.Group, member.Rank, member.Attempt);
        var (adapter, whole) = Current.Received(member.Group);
        // Who was there before fetches what has changed, where that travels whole.
        var down = _joined[node] && ReferenceEquals(adapter, _global)
            ? 4 * _global.Only(
                Methods.Get(_definition.Method).Changed(Math.Max(1, Current.Round - 1), _definition.ToMethodOptions())).ParameterCount
            : whole;
        _joined[node] = true;
        down += _folds.Count == 0 ? 0 : 4 * _folds[^1].ParameterCount;
        var work = new Work(task, Current.Round,
            NodeTimes.Of(_fleet, _outages, node, Current.Round, member.Attempt, _now, down, UpBytes(member),
                _definition.Training.LocalSteps), down);
        if (_definition.Privacy is not null)
            Pay(work);
        _working[node] = work;
        _open.Add(work);
        if (double.IsFinite(work.Times.End))
            _agenda.Add(work.Times.End, new Entry.Ended(work));
    }

    // What an earlier attempt at the round made, or is making, a node sends in the next one too, and has paid for.
    private void Pay(Work work)
    {
        work.Receipt = work.Task.Attempt == 1 ? null
            : _open.FindLast(other => other.Task.Node == work.Task.Node && other.Round == work.Round
                && other.End is not (WorkEnd.Failed or WorkEnd.Refused) && double.IsFinite(other.Times.End))?.Receipt;
        if (work.Receipt is not null)
            return;
        foreach (var begin in work.Times.Begins)
            _agenda.Add(begin, new Entry.Began(work));
    }

    // What is not trained yet has no length yet where it travels sparsely: entries of four bytes and a mask of a byte each stand for it.
    private long UpBytes(CohortEntry member)
    {
        var density = _definition.DensityOf(member.Group);
        var numbers = UpdateSize.Of(_definition, Current.Round, member.Rank).Numbers;
        return density.Up < 1 ? (long)(5 * density.Up * numbers) : 4 * numbers;
    }

    private void Deliver(Work work)
    {
        var (task, result) = (work.Task, work.Result!);
        if (result.Error is { } error)
        {
            if (error.Code == "data-nothing-to-learn")
                _refused[task.Node] = error.Message;
            Fail(work, error.Message);
            return;
        }

        // Acknowledged only after this: what is refused is never aggregated.
        _updates[task.Id] = result;
        work.End = WorkEnd.Delivered;
        if (work.Refusal is { } bad)
        {
            work.End = WorkEnd.Refused;
            Fail(work, bad.Message);
            return;
        }

        var isPrivate = work.Receipt is not null;
        var decision = Send(new FederationEvent.UpdateArrived(new()
        {
            Federation = _definition.Name,
            Round = work.Round,
            Attempt = task.Attempt,
            NodeId = task.Id,
            // Nothing is stored by its hash here: the name says which it is.
            Sha256 = $"{task.Id}/{work.Round}",
            Bytes = BytesOf(work),
            Encoding = result.Sparse is null ? BlobEncoding.Safetensors : BlobEncoding.Sparse,
            ExampleCount = isPrivate ? 0 : result.Examples,
            Steps = result.Steps,
            Loss = isPrivate ? null : result.Loss,
            Receipt = work.Receipt,
            TrainSeconds = isPrivate ? 0 : work.Times.Trained - work.Times.Downloaded,
        }));
        // With the last one the round is committed before this returns.
        if (decision.Effects.OfType<FederationEffect.Refuse>().FirstOrDefault() is { } refused)
            (work.End, work.Why) = (WorkEnd.Refused, refused.Refusal.Message);
        else
            _work.Delivered(task, work.Round);
    }

    private Refusal? Check(Work work, NodeResult result)
    {
        var (where, most) = ($"The update of node '{work.Task.Id}' for round {work.Round}", _definition.Training.MaxUpdateNorm);
        if (result.Sparse is { } bytes)
        {
            var layout = _definition.SentLayout(work.Round, work.Task.Rank);
            return ChangeCheck.Of(Compression.SparseCodec.Decode(bytes, layout.Length, layout.Digest.Span), layout, most, where);
        }

        return ChangeCheck.Of(result.Update!.Select(tensor => new ChangedTensor(tensor.Name, tensor.Values,
            _global.TryGet(tensor.Name, out var start) && start.Values.Length == tensor.Values.Length ? start.Values : null)), most, where);
    }

    private long BytesOf(Work work) =>
        work.Result!.Sparse?.LongLength ?? UpdateSize.Of(_definition, work.Round, work.Task.Rank).Bytes;

    private void Fail(Work work, string why)
    {
        _updates.Remove(work.Task.Id);
        work.Why = why;
        if (work.End != WorkEnd.Refused)
            work.End = WorkEnd.Failed;
        Send(new FederationEvent.NodeFailed(work.Task.Id, work.Round, why));
    }

    private void Aggregate()
    {
        var starts = new Dictionary<int, (AdapterState Adapter, Compression.VectorLayout Layout)>();
        var updates = new List<IUpdate>();
        MemoryUpdate? before = null;
        foreach (var update in _standing.Round.InNodeOrder())
        {
            var result = _updates[update.Header.NodeId];
            if (result.Sparse is not { } bytes)
            {
                updates.Add(before = new MemoryUpdate(update.Header.NodeId, update.Weight, result.Update!, before));
                continue;
            }

            if (!starts.TryGetValue(update.Rank, out var start))
                starts[update.Rank] = start = (_definition.StartOf(_global, Current.Round, update.Rank),
                    _definition.SentLayout(Current.Round, update.Rank));
            updates.Add(new SparseUpdate(update.Header.NodeId, update.Weight, () => bytes, start.Adapter, start.Layout));
        }

        // A fault here would be one of the federation's own: it ends the run, as it would pause the federation.
        (_aggregating, _nextOptimizer) = RoundStep.Run(_definition, Current.Round, _global, new UpdateSet(updates), _optimizer,
            _scenario.MeasureError, _cancellation);
        _agenda.Add(_outages.CoordinatorAnswers(_now), new Entry.Aggregated(Current.Round));
    }

    private void Commit(AggregationResult result)
    {
        var round = _standing.Round.Round;
        (_global, _optimizer, _current) = (result.Global, _nextOptimizer, null);
        if (result.Fold is { } fold)
            _folds.Add(fold);
        Send(new FederationEvent.Aggregated(new()
        {
            Round = round,
            Adapter = RefOf(_global),
            Record = "",
            Fold = result.Fold is null ? null : RefOf(result.Fold),
            AggregationError = result.Report.RelativeError,
            AggregationStandardError = result.Report.StandardError,
        }));
    }

    private void Tell(RoundSummary summary, int wanted)
    {
        // Enough were quicker than those who are still at it.
        foreach (var late in _open.Where(
            work => work.End == WorkEnd.Missing && double.IsFinite(work.Times.End) && summary.Updates >= wanted))
            late.End = WorkEnd.NotWanted;
        var next = new RoundWork(_definition, summary.Round + 1, _global, _folds, _fleet, _ledgers);
        var isEvaluated = _scenario.EvaluateEvery > 0
            && (summary.Round % _scenario.EvaluateEvery == 0 || summary.Round == _definition.Rounds);
        _told(new(summary, [.. _open], isEvaluated ? _work.Evaluate(next, _cancellation) : null, _ledgers.Largest, _now));
        _work.Release(_updates.Values);
        _updates.Clear();
        // Whoever is late is told so, and is free.
        foreach (var work in _open)
            _working[work.Task.Node] = null;
        _open.Clear();
        Array.Clear(_budgets);
    }
}

/// <summary>A committed round.</summary>
/// <param name="Work">Of everybody who had a task in it.</param>
/// <param name="Score">On held-out examples; null where it was not evaluated.</param>
/// <param name="Epsilon">The largest that any node has spent; null without privacy.</param>
/// <param name="Seconds">After the start, in virtual time.</param>
internal sealed record RoundOutcome(RoundSummary Summary, IReadOnlyList<Work> Work, Training.Running.Evaluation? Score, double? Epsilon,
    double Seconds);
