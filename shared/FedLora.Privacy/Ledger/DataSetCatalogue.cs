using System.Buffers.Binary;
using System.Text;

namespace FedLora.Privacy.Ledger;

/// <summary>
/// The data sets that a ledger knows. A data set is what the site calls one: everything ever trained under its name shares one budget, so
/// that what a node says of its spending is the same whatever single example is in the file. What each name has held is kept as keyed
/// fingerprints, which stay at the node: data that share an example with another name's are refused, so that a new name never starts a new
/// budget for old examples.
/// </summary>
internal sealed class DataSetCatalogue(ILedgerStorage storage, LedgerChain chain)
{
    private const string Folder = "datasets";
    private const int Seal = 32;

    private readonly Dictionary<string, ulong[]> _known = [];

    /// <summary>Whether a ledger's folder knows any data set.</summary>
    public static bool IsThere(ILedgerStorage storage) => storage.List(Folder).Any();

    /// <summary>A name's identity: 32 hex digits that cannot be told from the name without the node's key.</summary>
    public string IdentityOf(string name) =>
        Convert.ToHexStringLower(chain.KeyedHash(Encoding.UTF8.GetBytes($"name\n{name}")).AsSpan(0, 16));

    /// <summary>Adds what a file holds to what a name has held; returns the name's identity.</summary>
    /// <param name="name">What the site calls the data set.</param>
    /// <param name="examples">The fingerprints' sources: of each example, every text by itself.</param>
    /// <exception cref="FedLoraException"><c>data-set-empty</c>; <c>data-set-shared</c>: another name has held one of the
    /// examples.</exception>
    public string Register(string name, IEnumerable<ReadOnlyMemory<byte>> examples)
    {
        var fingerprints = examples.Select(example => BinaryPrimitives.ReadUInt64LittleEndian(chain.KeyedHash(example.Span))).Distinct()
            .Order().ToArray();
        if (fingerprints.Length == 0)
            throw new FedLoraException("data-set-empty", "the data set holds no example",
                "Point the node at a JSONL file with at least one line.");
        var identity = IdentityOf(name);
        if (All().FirstOrDefault(other => other != identity && IsNamed(other) && Shares(fingerprints, Fingerprints(other))) is { } owner)
        {
            throw new FedLoraException("data-set-shared",
                $"data set '{name}' holds an example of another data set of this ledger, "
                    + $"{DataSetLabel.Read(storage, owner)?.Name ?? owner[..12]}",
                "Give it that data set's name (data_set in the client's file, or --data-set); only data that were never used before can "
                    + "begin a new budget.");
        }
        var held = storage.Read(PathOf(identity)) is null ? [] : Fingerprints(identity);
        ulong[] all = [.. held.Concat(fingerprints).Distinct().Order()];
        if (all.Length > held.Length)
            storage.Replace(PathOf(identity), Sealed(identity, all));
        _known[identity] = all;
        return identity;
    }

    /// <summary>A data set and those of older ledgers, which knew data by their content, that share an example with it.</summary>
    public IReadOnlySet<string> Related(string dataSet)
    {
        var own = storage.Read(PathOf(dataSet)) is null ? [] : Fingerprints(dataSet);
        return All().Where(other => !IsNamed(other) && Shares(own, Fingerprints(other))).Append(dataSet).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>
    /// Whether the record of every data set that has spent something is still there: without one, what shares examples with it would look
    /// unspent.
    /// </summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c>.</exception>
    public void Require()
    {
        foreach (var entry in chain.Entries)
            Fingerprints(entry.DataSet);
    }

    private IEnumerable<string> All() =>
        storage.List(Folder).Select(name => name[(Folder.Length + 1)..])
            .Union(chain.Entries.Select(entry => entry.DataSet), StringComparer.Ordinal);

    private ulong[] Fingerprints(string dataSet)
    {
        if (_known.TryGetValue(dataSet, out var fingerprints))
            return fingerprints;
        var content = storage.Read(PathOf(dataSet)) ?? [];
        var body = IsNamed(dataSet, content) ? content.AsSpan(..^Seal)
            : content.Length > 0 && Convert.ToHexStringLower(chain.KeyedHash(content).AsSpan(0, 16)) == dataSet ? content
            : throw new FedLoraException("ledger-damaged",
                $"the privacy ledger's record of data set {dataSet} has been cut, edited or removed",
                "Restore the newest copy of the ledger's folder.");
        fingerprints = new ulong[body.Length / sizeof(ulong)];
        for (var i = 0; i < fingerprints.Length; i++)
            fingerprints[i] = BinaryPrimitives.ReadUInt64LittleEndian(body[(sizeof(ulong) * i)..]);
        return _known[dataSet] = fingerprints;
    }

    private bool IsNamed(string dataSet) => IsNamed(dataSet, storage.Read(PathOf(dataSet)) ?? []);

    private bool IsNamed(string dataSet, ReadOnlySpan<byte> content) =>
        content.Length > Seal && content.Length % sizeof(ulong) == 0
            && SealOf(dataSet, content[..^Seal]).AsSpan().SequenceEqual(content[^Seal..]);

    private byte[] Sealed(string dataSet, ulong[] fingerprints)
    {
        var content = new byte[sizeof(ulong) * fingerprints.Length + Seal];
        for (var i = 0; i < fingerprints.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(sizeof(ulong) * i), fingerprints[i]);
        SealOf(dataSet, content.AsSpan(..^Seal)).CopyTo(content.AsSpan(^Seal..));
        return content;
    }

    private byte[] SealOf(string dataSet, ReadOnlySpan<byte> body) => chain.KeyedHash([.. Encoding.UTF8.GetBytes(dataSet), .. body]);

    private static string PathOf(string dataSet) => $"{Folder}/{dataSet}";

    private static bool Shares(ulong[] a, ulong[] b)
    {
        for (int i = 0, j = 0; i < a.Length && j < b.Length;)
        {
            if (a[i] == b[j])
                return true;
            if (a[i] < b[j])
                i++;
            else
                j++;
        }
        return false;
    }
}
