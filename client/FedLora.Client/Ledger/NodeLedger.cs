using FedLora.Client.Hosting;
using FedLora.Federations.Definitions;
using FedLora.Privacy;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.V1;
using FedLora.Training.Data;
using FederationDefinition = FedLora.Federations.Definitions.FederationDefinition;

namespace FedLora.Client.Ledger;

/// <summary>
/// The node's privacy ledger over its data file: what federations with privacy terms mean here, whether one more round of them fits, and the spending itself. It decides
/// alone; what the coordinator thinks of the budget changes nothing.
/// </summary>
public sealed class NodeLedger : IDisposable
{
    private const string LedgerFolder = "ledger";

    private readonly ClientOptions options;
    private readonly TimeProvider time;
    private readonly string folder;
    private readonly Lock gate = new();
    private PrivacyLedger? ledger;
    private (DateTime Written, long Length, string DataSet)? identified;
    private (int Entries, string DataSet, PrivacyBalance Balance)? told;

    private NodeLedger(ClientOptions options, TimeProvider time) => (this.options, this.time, folder) = (options, time, Path.Combine(options.State, LedgerFolder));

    /// <summary>
    /// Opens the ledger where there is one or the site sets a limit, and checks every seal of it; otherwise it is made when it is first needed.
    /// </summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c>, <c>ledger-in-use</c>: the node must not train.</exception>
    public static NodeLedger Open(ClientOptions options, TimeProvider time)
    {
        var opened = new NodeLedger(options, time);
        if (Directory.Exists(opened.folder) || options.Policy.Epsilon is not null)
            opened.ledger = PrivacyLedger.Open(opened.folder, time);
        return opened;
    }

    /// <summary>What the coordinator is told of the present data set; null where nothing was spent and there is no limit.</summary>
    public PrivacyBalance? Balance()
    {
        lock (gate)
        {
            if (ledger is null)
                return null;
            var (dataSet, entries) = (DataSet(), ledger.Entries.Count);
            if (told is { } last && last.Entries == entries && last.DataSet == dataSet)
                return last.Balance;
            var runs = SampledGaussian.Simplify(ledger.Spent(dataSet));
            if (runs.Count == 0 && options.Policy.Epsilon is null)
                return null;
            var balance = new PrivacyBalance
            {
                DataSet = dataSet,
                SpentEpsilon = Accountants.Default.Epsilon(runs, options.Policy.Delta).Epsilon,
                LimitEpsilon = options.Policy.Epsilon ?? 0,
                Delta = options.Policy.Delta,
                Runs = { runs.Select(run => new PrivacyRun { NoiseMultiplier = run.NoiseMultiplier, SamplingRate = run.SamplingRate, Steps = (ulong)run.Steps }) },
            };
            told = (entries, dataSet, balance);
            return balance;
        }
    }

    /// <summary>Why one more round of the federation does not fit, in one line; null if it does. Asking spends nothing.</summary>
    public string? Refuses(FederationDefinition definition, int round)
    {
        if (definition.ToPlan() is not { } plan)
            return null;
        try
        {
            var run = RoundOf(plan, definition);
            lock (gate)
                return Check(plan, run, definition.Name, round);
        }
        catch (FedLoraException error) when (error.Code is "privacy-rate-unknown" or "privacy-budget-too-small" or "privacy-out-of-range" or "privacy-invalid" or "privacy-accountant-unknown")
        {
            return error.Message;
        }
    }

    /// <summary>
    /// Spends one round, durably. Only once this has returned may the round's first sample or noise be drawn.
    /// </summary>
    /// <exception cref="FedLoraException"><c>privacy-budget-exhausted</c>: it does not fit, nothing was written; <c>privacy-rate-unknown</c>.</exception>
    public LedgerReceipt Spend(FederationDefinition definition, int round)
    {
        var plan = definition.ToPlan()!;
        var run = RoundOf(plan, definition);
        lock (gate)
        {
            if (Check(plan, run, definition.Name, round) is { } reason)
                throw new FedLoraException("privacy-budget-exhausted", reason, "Only the site can raise its limit, in its policy file; a federation with more noise or fewer steps spends less.");
            return Opened().Spend(DataSet(), definition.Name, round, run, plan.ClipNorm, LimitOf(plan));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ledger?.Dispose();

    private SampledGaussian RoundOf(PrivacyPlan plan, FederationDefinition definition) =>
        plan.RoundAt(plan.RateFor(definition.PublicCounts.TryGetValue(options.Name, out var count) ? count : options.PublicCount > 0 ? options.PublicCount : null));

    private string? Check(PrivacyPlan plan, SampledGaussian run, string federation, int round)
    {
        var dataSet = DataSet();
        var own = plan.Keeps(Opened().SpentFor(dataSet, federation, round), run);
        if (!own.Fits)
            return $"the federation's own budget is spent here: {own.Reason}";
        var verdict = Opened().Ask(dataSet, run, LimitOf(plan));
        return verdict.Fits ? null : verdict.Reason;
    }

    private PrivacyLimit LimitOf(PrivacyPlan plan) => options.Policy.Epsilon is null ? new PrivacyLimit(null, plan.Delta) : options.Policy.Limit;

    private PrivacyLedger Opened() => ledger ??= PrivacyLedger.Open(folder, time);

    /// <summary>The data file's identity, taken again when the file has changed.</summary>
    private string DataSet()
    {
        var file = new FileInfo(options.Data);
        if (!file.Exists)
            throw new FedLoraException("data-missing", $"there is no data file {options.Data}", "give a JSONL file with --data");
        if (identified is { } known && known.Written == file.LastWriteTimeUtc && known.Length == file.Length)
            return known.DataSet;
        var dataSet = Opened().Identify(ExampleIdentity.Read(options.Data));
        identified = (file.LastWriteTimeUtc, file.Length, dataSet);
        return dataSet;
    }
}
