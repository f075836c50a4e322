using FedLora.Client.Hosting;
using FedLora.Client.State;
using FedLora.Federations.Definitions;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FederationDefinition = FedLora.Federations.Definitions.FederationDefinition;

namespace FedLora.Client.Ledger;

/// <summary>
/// The node's privacy ledger over its data set: what federations with privacy terms mean here, whether one more round of them fits, and the
/// spending itself. It decides alone; what the coordinator thinks of the budget changes nothing. What it tells and refuses follows from the
/// data set's name and the rounds charged to it, never from what the file holds, so that it is the same for neighbouring data.
/// </summary>
public sealed class NodeLedger : IDisposable
{
    private readonly ClientOptions _options;
    private readonly TimeProvider _time;
    private readonly string _folder;
    private readonly string _coordinator;
    private readonly Lock _gate = new();
    private PrivacyLedger? _ledger;
    private (long Entries, PrivacyBalance Balance)? _told;

    private NodeLedger(ClientOptions options, TimeProvider time) =>
        (this._options, this._time, _folder, _coordinator) = (options, time, NodeFolder.LedgerOf(options.State),
            options.Coordinator.TrimEnd('/'));

    /// <summary>
    /// Opens the ledger where there is one or the site sets a limit, and checks every seal of it; otherwise it is made when it is first
    /// needed.
    /// </summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c>, <c>ledger-in-use</c>, <c>ledger-unlockable</c>: the node must not
    /// train.</exception>
    public static NodeLedger Open(ClientOptions options, TimeProvider time)
    {
        var opened = new NodeLedger(options, time);
        if (Directory.Exists(opened._folder) || options.Policy.Epsilon is not null)
            opened._ledger = PrivacyLedger.Open(opened._folder, time);
        return opened;
    }

    /// <summary>What the coordinator is told of the data set; null where nothing was spent and there is no limit.</summary>
    public PrivacyBalance? Balance()
    {
        lock (_gate)
        {
            if (_ledger is null)
                return null;
            var (dataSet, entries) = (_ledger.IdentityOf(_options.DataSet), _ledger.Head.Sequence);
            if (_told is { } last && last.Entries == entries)
                return last.Balance;
            var uses = _ledger.UsesOf(dataSet);
            if (uses.Count == 0 && _options.Policy.Epsilon is null)
                return null;
            var runs = SampledGaussian.Simplify(uses.Where(use => use.IsPrivate).Select(use => use.Run));
            var balance = new PrivacyBalance
            {
                DataSet = dataSet,
                SpentEpsilon = Accountants.Default.Epsilon(runs, _options.Policy.Delta).Epsilon,
                LimitEpsilon = _options.Policy.Epsilon ?? 0,
                Delta = _options.Policy.Delta,
                Runs =
                {
                    runs.Select(
                        run =>
                            new PrivacyRun
                            {
                                NoiseMultiplier = run.NoiseMultiplier,
                                SamplingRate = run.SamplingRate,
                                Steps = (ulong)run.Steps,
                            }),
                },
                UsedWithoutPrivacy = uses.Any(use => !use.IsPrivate),
                Unit = _options.Unit ?? "",
                Entries = (ulong)entries,
            };
            _told = (entries, balance);
            return balance;
        }
    }

    /// <summary>
    /// Why one more round of the federation may not be trained on these data, in one line; null if it may. Asking spends nothing.
    /// </summary>
    public string? Refuses(FederationDefinition definition, int round)
    {
        try
        {
            lock (_gate)
            {
                if (Mixes(definition) is { } mixes)
                    return mixes;
                return definition.ToPlan() is not { } plan ? null : Check(plan, RoundOf(plan, definition), definition.Name);
            }
        }
        catch (FedLoraException error) when (error.Code is "privacy-rate-unknown" or "privacy-budget-too-small" or "privacy-out-of-range"
            or "privacy-invalid" or "privacy-accountant-unknown")
        {
            return error.Message;
        }
    }

    /// <summary>
    /// Charges one round, durably, to what was just read: spends it under privacy terms, and records that there were none otherwise. Only
    /// once this has returned may the round's first sample or noise be drawn.
    /// </summary>
    /// <returns>The receipt; null without privacy terms.</returns>
    /// <exception cref="FedLoraException">
    /// <c>privacy-budget-exhausted</c>: it does not fit, nothing was written; <c>privacy-rate-unknown</c>; <c>data-set-shared</c>;
    /// <c>privacy-unit-changed</c>.
    /// </exception>
    public LedgerReceipt? Charge(FederationDefinition definition, int round, IReadOnlyList<ReadOnlyMemory<byte>> identities)
    {
        var use = new LedgerUse(_coordinator, definition.Name, round, _options.Unit);
        if (definition.ToPlan() is not { } plan)
        {
            lock (_gate)
                Opened().RecordUnprotected(Identify(identities), use, _options.Policy.Limit);
            return null;
        }
        var run = RoundOf(plan, definition);
        lock (_gate)
        {
            if (Check(plan, run, definition.Name) is { } reason)
                throw new FedLoraException("privacy-budget-exhausted", reason,
                    "Only the site can raise its limit, in its policy file; a federation with more noise or fewer steps spends less.");
            return Opened().Spend(Identify(identities), use, run, plan.ClipNorm, LimitOf(plan));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _ledger?.Dispose();

    /// <summary>The count of examples (or units) that may be known here; null where nobody has stated one.</summary>
    public long? StatedCount(FederationDefinition definition) =>
        definition.PublicCounts.TryGetValue(_options.Name, out var count) ? count : _options.PublicCount > 0 ? _options.PublicCount : null;

    private SampledGaussian RoundOf(PrivacyPlan plan, FederationDefinition definition) =>
        plan.RoundAt(plan.RateFor(StatedCount(definition)));

    private string? Mixes(FederationDefinition definition) =>
        _options.Policy.ForbidMixing
            && _ledger?.UsesOf(_ledger.IdentityOf(_options.DataSet)).Any(use => use.IsPrivate != definition.Privacy is not null) == true
            ? $"the site's policy forbids training the same data with privacy and without, and they were used "
                + $"{(definition.Privacy is null ? "with" : "without")} it"
            : null;

    private string? Check(PrivacyPlan plan, SampledGaussian run, string federation)
    {
        var dataSet = Opened().IdentityOf(_options.DataSet);
        var own = plan.Keeps(Opened().SpentFor(dataSet, _coordinator, federation), run);
        if (!own.Fits)
            return $"the federation's own budget is spent here: {own.Reason}";
        var verdict = Opened().Ask(dataSet, run, LimitOf(plan));
        return verdict.Fits ? null : verdict.Reason;
    }

    private string Identify(IReadOnlyList<ReadOnlyMemory<byte>> identities) =>
        Opened().Identify(new DataSetLabel(_options.DataSet, Path.GetFullPath(_options.Data)), identities);

    private PrivacyLimit LimitOf(PrivacyPlan plan) =>
        _options.Policy.Epsilon is null ? new PrivacyLimit(null, plan.Delta) : _options.Policy.Limit;

    private PrivacyLedger Opened() => _ledger ??= PrivacyLedger.Open(_folder, _time);
}
