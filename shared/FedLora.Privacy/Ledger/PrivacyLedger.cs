namespace FedLora.Privacy.Ledger;

/// <summary>
/// A node's own record of what its data sets have spent, over all federations: the authority on it. Spending is written durably before the
/// noise it pays for is drawn, so a crash can only over-count. Every start checks the whole chain; a ledger that has been cut or edited
/// refuses to open, and the node does not train.
/// </summary>
public sealed class PrivacyLedger : IDisposable
{
    private readonly ILedgerStorage _storage;
    private readonly LedgerChain _chain;
    private readonly DataSetCatalogue _catalogue;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();

    private PrivacyLedger(ILedgerStorage storage, TimeProvider time, bool readOnly)
    {
        (this._storage, this._time) = (storage, time);
        _chain = LedgerChain.Open(storage, readOnly);
        _catalogue = new DataSetCatalogue(storage, _chain);
        if (readOnly)
            return;
        _catalogue.Require();
        PrivacyStatement.EnsureKey(storage);
    }

    /// <summary>Opens a node's ledger for spending; the folder is made if it is not there.</summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c> or <c>ledger-in-use</c>.</exception>
    public static PrivacyLedger Open(string folder, TimeProvider? time = null)
    {
        var disk = DiskLedgerStorage.Open(folder);
        try
        {
            return Open(disk, time);
        }
        catch (FedLoraException error)
        {
            disk.Dispose();
            throw At(folder, error);
        }
    }

    /// <summary>Opens a ledger over a storage of the caller's.</summary>
    public static PrivacyLedger Open(ILedgerStorage storage, TimeProvider? time = null) =>
        new(storage, time ?? TimeProvider.System, readOnly: false);

    /// <summary>Reads a ledger without claiming it, also while a node is using it.</summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c> or <c>ledger-missing</c>.</exception>
    public static PrivacyLedger Read(string folder)
    {
        var disk = DiskLedgerStorage.OpenRead(folder);
        try
        {
            return new(disk, TimeProvider.System, readOnly: true);
        }
        catch (FedLoraException error)
        {
            throw error.Code == "ledger-missing" && Below(folder) is { } there
                ? new FedLoraException(error.Code, $"{folder}: {error.Message}", $"One lies in {there}: give that folder.", error)
                : At(folder, error);
        }
    }

    // Where a node keeps it below its own folder, and below the folder of its data.
    private static string? Below(string folder) =>
        new[] { Path.Combine(folder, "ledger"), Path.Combine(folder, "fedlora-node", "ledger") }.FirstOrDefault(Directory.Exists);

    // What is wrong with a ledger, with the folder that it is in.
    private static FedLoraException At(string folder, FedLoraException error) =>
        new(error.Code, $"{folder}: {error.Message}", error.Hint, error);

    /// <summary>All entries, oldest first.</summary>
    public IReadOnlyList<LedgerEntry> Entries
    {
        get
        {
            lock (_gate)
                return [.. _chain.Entries];
        }
    }

    /// <summary>The data sets that have spent something, in the order in which they first did.</summary>
    public IReadOnlyList<string> DataSets => [.. Entries.Select(entry => entry.DataSet).Distinct()];

    /// <summary>The identity of the data set that the site calls so.</summary>
    public string IdentityOf(string name) => _catalogue.IdentityOf(name);

    /// <summary>What people at the site know a data set by; null where it has not been registered by name.</summary>
    public DataSetLabel? LabelOf(string dataSet)
    {
        lock (_gate)
            return DataSetLabel.Read(_storage, dataSet);
    }

    /// <summary>
    /// Registers what a data set holds: to be called with what is trained on, from the same reading of the file, before it is spent.
    /// </summary>
    /// <param name="label">What the site calls it, and the file.</param>
    /// <param name="examples">Of each example, every text that training may read, by itself. Order and layout do not matter.</param>
    /// <returns>The identity, which depends on the name alone.</returns>
    /// <exception cref="FedLoraException"><c>data-set-shared</c>: another data set of this ledger has held one of the examples;
    /// <c>data-set-empty</c>.</exception>
    public string Identify(DataSetLabel label, IEnumerable<ReadOnlyMemory<byte>> examples)
    {
        lock (_gate)
        {
            var identity = _catalogue.Register(label.Name, examples);
            label.Write(_storage, identity);
            return identity;
        }
    }

    /// <summary>Every private use of a data set, in any federation; training without privacy is not among them.</summary>
    public IReadOnlyList<SampledGaussian> Spent(string dataSet) =>
        [.. UsesOf(dataSet).Where(entry => entry.IsPrivate).Select(entry => entry.Run)];

    /// <summary>What one federation has ever been charged for a data set, whatever rounds it called for.</summary>
    public IReadOnlyList<SampledGaussian> SpentFor(string dataSet, string coordinator, string federation) =>
        [.. UsesOf(dataSet)
            .Where(entry => entry.IsPrivate && entry.Federation == federation && (entry.Coordinator ?? coordinator) == coordinator)
            .Select(entry => entry.Run)];

    /// <summary>All entries that count against a data set, oldest first.</summary>
    public IReadOnlyList<LedgerEntry> UsesOf(string dataSet)
    {
        lock (_gate)
        {
            var related = _catalogue.Related(dataSet);
            return [.. _chain.Entries.Where(entry => related.Contains(entry.DataSet))];
        }
    }

    /// <summary>The newest entry's place and seal: what a coordinator or a statement keeps to notice an older copy.</summary>
    public (long Sequence, string Seal) Head
    {
        get
        {
            lock (_gate)
                return _chain.Entries is [.., var last] ? (last.Sequence, last.Seal) : (0, "");
        }
    }

    /// <summary>Whether a round would fit. Asking spends nothing.</summary>
    public BudgetVerdict Ask(string dataSet, SampledGaussian round, PrivacyLimit limit, IAccountant? accountant = null) =>
        PrivacyBudget.Fits(Spent(dataSet), round, limit, accountant);

    /// <summary>
    /// Spends a round: checks it against the limit and writes it to disk. Only once this has returned may the round's first sample or noise
    /// be drawn. A round that is trained again is spent again.
    /// </summary>
    /// <exception cref="FedLoraException">
    /// <c>privacy-budget-exhausted</c>: it does not fit, nothing was written; <c>privacy-unit-changed</c>: what was spent before counted by
    /// another unit.
    /// </exception>
    public LedgerReceipt Spend(string dataSet, LedgerUse use, SampledGaussian run, double clipNorm, PrivacyLimit limit,
        IAccountant? accountant = null)
    {
        run.Validate();
        lock (_gate)
        {
            RequireUnit(dataSet, use.Unit);
            var verdict = Ask(dataSet, run, limit, accountant);
            if (!verdict.Fits)
                throw new FedLoraException("privacy-budget-exhausted", verdict.Reason,
                    "Only the site can raise its limit, in its policy file; a federation with more noise or fewer steps spends less.");
            var entry = _chain.Append(EntryOf(dataSet, use, run, clipNorm, limit));
            return new LedgerReceipt
            {
                NoiseMultiplier = run.NoiseMultiplier,
                SamplingRate = run.SamplingRate,
                Steps = (int)run.Steps,
                ClipNorm = clipNorm,
                Delta = limit.Delta,
                EpsilonSpent = verdict.Epsilon,
                EpsilonLimit = limit.Epsilon ?? 0,
                DataSet = dataSet,
                EntryHash = entry.Seal,
                EntrySequence = entry.Sequence,
            };
        }
    }

    /// <summary>
    /// Records, once for a federation, that a data set is trained on without privacy: what its balance says then is not all that is known
    /// of it.
    /// </summary>
    public void RecordUnprotected(string dataSet, LedgerUse use, PrivacyLimit limit)
    {
        lock (_gate)
        {
            if (!_chain.Entries.Any(
                entry => !entry.IsPrivate && entry.DataSet == dataSet && entry.Coordinator == use.Coordinator
                    && entry.Federation == use.Federation))
                _chain.Append(EntryOf(dataSet, use, new SampledGaussian(0, 1, 0), 0, limit));
        }
    }

    private LedgerEntry EntryOf(string dataSet, LedgerUse use, SampledGaussian run, double clipNorm, PrivacyLimit limit) =>
        new(0, _time.GetUtcNow(), dataSet, use.Federation, use.Round, run.NoiseMultiplier, run.SamplingRate, run.Steps, clipNorm, "", "")
        {
            Coordinator = use.Coordinator,
            Limit = limit.Epsilon,
            Delta = limit.Delta,
            Unit = use.Unit,
        };

    private void RequireUnit(string dataSet, string? unit)
    {
        if (UsesOf(dataSet).FirstOrDefault(entry => entry.IsPrivate && entry.Unit != unit) is { } other)
        {
            throw new FedLoraException("privacy-unit-changed",
                $"the data set has spent by {UnitName(other.Unit)}, and is now to spend by {UnitName(unit)}: the two cannot be added up",
                "Keep the unit, or use data that were never trained on under another data set's name.");
        }
    }

    private static string UnitName(string? unit) => unit is null ? "line" : $"'{unit}'";

    internal byte[]? FileOf(string name) => _storage.Read(name);

    /// <inheritdoc/>
    public void Dispose() => (_storage as IDisposable)?.Dispose();
}
