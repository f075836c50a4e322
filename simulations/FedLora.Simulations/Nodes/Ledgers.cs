using FedLora.Client.State;
using FedLora.Federations.Definitions;
using FedLora.Federations.Rounds;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;

namespace FedLora.Simulations.Nodes;

/// <summary>
/// The nodes' privacy ledgers. In a simulation a node's data are used by one federation, always on the same terms: a ledger is the number
/// of charges made to it, one for each time that a round's training began, whatever came of it; what so many spend is worked out once, by
/// the accountants and limits that a real node asks.
/// </summary>
internal sealed class Ledgers(FederationDefinition definition, Fleet fleet)
{
    private readonly PrivacyPlan? _plan = definition.ToPlan();
    private readonly int[] _charged = new int[definition.Privacy is null ? 0 : fleet.Count];
    private readonly (int Round, int Times)[] _newest = new (int, int)[definition.Privacy is null ? 0 : fleet.Count];
    private readonly Dictionary<(double Rate, int Rounds), double> _spent = [];
    private readonly Dictionary<(double Rate, double Limit, int Rounds), string> _answers = [];
    private readonly Dictionary<double, NodePrivacy> _rows = [];

    /// <summary>The largest epsilon that any node has spent; null without privacy.</summary>
    public double? Largest =>
        _plan is null ? null
            : Enumerable.Range(0, _charged.Length).Select(node => (Rate: RateOf(node), Rounds: _charged[node])).Distinct()
                .Max(kind => Spent(kind.Rate, kind.Rounds));

    /// <summary>What the terms mean at a node.</summary>
    public NodePrivacy RowOf(int node, CancellationToken cancellationToken)
    {
        var rate = RateOf(node);
        if (!_rows.TryGetValue(rate, out var row))
            _rows[rate] = row = NodePrivacy.Of(definition, "", "", CountOf(node), cancellationToken);
        return row with { NodeId = fleet.All[node].Id, Node = fleet.NameOf(node) };
    }

    /// <summary>Why one more round does not fit a node's budget; empty where it does.</summary>
    public string Refusal(int node, CancellationToken cancellationToken)
    {
        var key = (RateOf(node), fleet.KindOf(node).EpsilonLimit, _charged[node]);
        if (_answers.TryGetValue(key, out var known))
            return known;
        var run = _plan!.RoundAt(key.Item1, cancellationToken);
        SampledGaussian[] past = key.Item3 == 0 ? [] : [run with { Steps = run.Steps * key.Item3 }];
        var own = _plan.Keeps(past, run, cancellationToken);
        var site = PrivacyBudget.Fits(past, run, new(key.EpsilonLimit > 0 ? key.EpsilonLimit : null, definition.Privacy!.Delta),
            cancellationToken: cancellationToken);
        return _answers[key] = !own.Fits ? $"the federation's own budget is spent here: {own.Reason}" : site.Fits ? "" : site.Reason;
    }

    /// <summary>Epsilon that a node has spent; 0 without privacy.</summary>
    public double SpentAt(int node) => _plan is null ? 0 : Spent(RateOf(node), _charged[node]);

    /// <summary>Charges a round to a node, before its first sample. Only under privacy.</summary>
    /// <exception cref="FedLoraException"><c>privacy-budget-exhausted</c>; <c>privacy-spent-in-vain</c>: as at a real node a round is
    /// charged only so often.</exception>
    public LedgerReceipt Charge(int node, int round, CancellationToken cancellationToken)
    {
        if (Refusal(node, cancellationToken) is { Length: > 0 } why)
            throw new FedLoraException("privacy-budget-exhausted", why, "plan fewer rounds, or more noise");
        var times = _newest[node].Round == round ? _newest[node].Times : 0;
        if (times >= RoundCharges.Most)
            throw new FedLoraException("privacy-spent-in-vain", $"round {round} was charged {times} times and never came to an update",
                "fewer outages, or shorter rounds");
        _newest[node] = (round, times + 1);
        _charged[node]++;
        return ReceiptOf(node);
    }

    /// <summary>The receipt of a node's newest charge; before the first one the terms that it will have. Only under privacy.</summary>
    public LedgerReceipt ReceiptOf(int node)
    {
        var run = _plan!.RoundAt(RateOf(node));
        return new()
        {
            NoiseMultiplier = run.NoiseMultiplier,
            SamplingRate = run.SamplingRate,
            Steps = (int)run.Steps,
            ClipNorm = definition.Privacy!.ClipNorm,
            Delta = definition.Privacy.Delta,
            EpsilonSpent = SpentAt(node),
            EpsilonLimit = fleet.KindOf(node).EpsilonLimit,
            DataSet = fleet.NameOf(node),
            EntryHash = "",
            EntrySequence = _charged[node],
        };
    }

    private double RateOf(int node) => _plan!.RateFor(CountOf(node));

    private long? CountOf(int node) => definition.PublicCounts.TryGetValue(fleet.NameOf(node), out var count) ? count : null;

    private double Spent(double rate, int rounds)
    {
        if (rounds == 0)
            return 0;
        if (_spent.TryGetValue((rate, rounds), out var known))
            return known;
        var run = _plan!.RoundAt(rate);
        return _spent[(rate, rounds)] = Accountants.Default.Epsilon([run with { Steps = run.Steps * rounds }],
            definition.Privacy!.Delta).Epsilon;
    }
}
