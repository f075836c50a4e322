namespace FedLora.Privacy.Ledger;

/// <summary>
/// A node's own record of what its data sets have spent, over all federations: the authority on it. Spending is written durably before the noise it pays for is drawn,
/// so a crash can only over-count. Every start checks the whole chain; a ledger that has been cut or edited refuses to open, and the node does not train.
/// </summary>
public sealed class PrivacyLedger : IDisposable
{
    private readonly ILedgerStorage storage;
    private readonly LedgerChain chain;
    private readonly DataSetCatalogue catalogue;
    private readonly TimeProvider time;
    private readonly Lock gate = new();

    private PrivacyLedger(ILedgerStorage storage, TimeProvider time, bool readOnly)
    {
        (this.storage, this.time) = (storage, time);
        chain = LedgerChain.Open(storage, readOnly);
        catalogue = new DataSetCatalogue(storage, chain);
        if (!readOnly)
            catalogue.Require();
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
    public static PrivacyLedger Open(ILedgerStorage storage, TimeProvider? time = null) => new(storage, time ?? TimeProvider.System, readOnly: false);

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
            throw At(folder, error);
        }
    }

    // What is wrong with a ledger, with the folder that it is in.
    private static FedLoraException At(string folder, FedLoraException error) => new(error.Code, $"{folder}: {error.Message}", error.Hint, error);

    /// <summary>All entries, oldest first.</summary>
    public IReadOnlyList<LedgerEntry> Entries
    {
        get
        {
            lock (gate)
                return [.. chain.Entries];
        }
    }

    /// <summary>The data sets that have spent something, in the order in which they first did.</summary>
    public IReadOnlyList<string> DataSets => [.. Entries.Select(entry => entry.DataSet).Distinct()];

    /// <summary>Identifies a data set by its examples (a line of JSONL each, say), registering it if it is new. Name and order do not matter.</summary>
    public string Identify(IEnumerable<ReadOnlyMemory<byte>> examples)
    {
        lock (gate)
            return catalogue.Register(examples);
    }

    /// <summary>Every use, in any federation, of a data set or of one that shares examples with it.</summary>
    public IReadOnlyList<SampledGaussian> Spent(string dataSet)
    {
        lock (gate)
        {
            var related = catalogue.Related(dataSet);
            return [.. chain.Entries.Where(entry => related.Contains(entry.DataSet)).Select(entry => entry.Run)];
        }
    }

    /// <summary>
    /// What one federation has spent of a data set or of those that share examples with it. A federation that was made anew under an old name starts at round 1 again:
    /// what came before that is the old one's.
    /// </summary>
    /// <param name="dataSet">The data set.</param>
    /// <param name="federation">The federation's name.</param>
    /// <param name="round">The round that is asked about.</param>
    public IReadOnlyList<SampledGaussian> SpentFor(string dataSet, string federation, int round)
    {
        lock (gate)
        {
            var related = catalogue.Related(dataSet);
            var (runs, last) = (new List<SampledGaussian>(), 0);
            foreach (var entry in chain.Entries.Where(entry => entry.Federation == federation && related.Contains(entry.DataSet)))
            {
                if (entry.Round < last)
                    runs.Clear();
                runs.Add(entry.Run);
                last = entry.Round;
            }
            return round < last ? [] : runs;
        }
    }

    /// <summary>Whether a round would fit. Asking spends nothing.</summary>
    public BudgetVerdict Ask(string dataSet, SampledGaussian round, PrivacyLimit limit, IAccountant? accountant = null) =>
        PrivacyBudget.Fits(Spent(dataSet), round, limit, accountant);

    /// <summary>
    /// Spends a round: checks it against the limit and writes it to disk. Only once this has returned may the round's first sample or noise be drawn. A round that is
    /// trained again is spent again.
    /// </summary>
    /// <exception cref="FedLoraException"><c>privacy-budget-exhausted</c>: it does not fit; nothing was written.</exception>
    public LedgerReceipt Spend(string dataSet, string federation, int round, SampledGaussian run, double clipNorm, PrivacyLimit limit, IAccountant? accountant = null)
    {
        run.Validate();
        lock (gate)
        {
            var verdict = Ask(dataSet, run, limit, accountant);
            if (!verdict.Fits)
                throw new FedLoraException("privacy-budget-exhausted", verdict.Reason, "Only the site can raise its limit, in its policy file; a federation with more noise or fewer steps spends less.");
            var entry = chain.Append(new LedgerEntry(0, time.GetUtcNow(), dataSet, federation, round, run.NoiseMultiplier, run.SamplingRate, run.Steps, clipNorm, "", ""));
            return new LedgerReceipt(run, clipNorm, limit.Delta, verdict.Epsilon, limit.Epsilon ?? 0, dataSet, entry.Seal);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => (storage as IDisposable)?.Dispose();
}
