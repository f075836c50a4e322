using System.Buffers.Binary;

namespace FedLora.Privacy.Ledger;

/// <summary>
/// Knows data sets by what is in them: by keyed fingerprints of their examples, whatever the file is called and in whatever order the lines stand. Data sets that
/// share examples share their spending: what was spent on an example's earlier data sets is charged to every data set that holds it, so that growing, cutting or
/// re-sorting a file never starts a new budget. The fingerprints stay at the node.
/// </summary>
internal sealed class DataSetCatalogue(ILedgerStorage storage, LedgerChain chain)
{
    private const string Folder = "datasets";

    private readonly Dictionary<string, ulong[]> known = [];

    /// <summary>Registers a data set, if it is new, and returns its identity: 32 hex digits that say nothing about the content without the node's key.</summary>
    public string Register(IEnumerable<ReadOnlyMemory<byte>> examples)
    {
        var fingerprints = examples.Select(example => BinaryPrimitives.ReadUInt64LittleEndian(chain.KeyedHash(example.Span))).Distinct().Order().ToArray();
        if (fingerprints.Length == 0)
            throw new FedLoraException("data-set-empty", "the data set holds no example", "Point the node at a JSONL file with at least one line.");
        var content = new byte[8 * fingerprints.Length];
        for (var i = 0; i < fingerprints.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(8 * i), fingerprints[i]);
        var identity = Convert.ToHexStringLower(chain.KeyedHash(content).AsSpan(0, 16));
        if (storage.Read($"{Folder}/{identity}") is null)
            storage.Replace($"{Folder}/{identity}", content);
        known[identity] = fingerprints;
        return identity;
    }

    /// <summary>The data set itself and all that share an example with it.</summary>
    public IReadOnlySet<string> Related(string dataSet)
    {
        var own = Fingerprints(dataSet);
        return storage.List(Folder).Select(name => name[(Folder.Length + 1)..]).Union(chain.Entries.Select(entry => entry.DataSet), StringComparer.Ordinal)
            .Where(other => other == dataSet || Overlap(own, Fingerprints(other))).Append(dataSet).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Whether the record of every data set that has spent something is still there: without one, what shares examples with it would look unspent.</summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c>.</exception>
    public void Require()
    {
        foreach (var entry in chain.Entries)
            Fingerprints(entry.DataSet);
    }

    private ulong[] Fingerprints(string dataSet)
    {
        if (known.TryGetValue(dataSet, out var fingerprints))
            return fingerprints;
        var content = storage.Read($"{Folder}/{dataSet}") ?? [];
        // The name is a keyed hash of the content, so a cut or edited file shows.
        if (content.Length % 8 != 0 || Convert.ToHexStringLower(chain.KeyedHash(content).AsSpan(0, 16)) != dataSet)
            throw new FedLoraException("ledger-damaged", $"the privacy ledger's record of data set {dataSet} has been cut, edited or removed", "Restore the newest copy of the ledger's folder.");
        fingerprints = new ulong[content.Length / 8];
        for (var i = 0; i < fingerprints.Length; i++)
            fingerprints[i] = BinaryPrimitives.ReadUInt64LittleEndian(content.AsSpan(8 * i));
        return known[dataSet] = fingerprints;
    }

    private static bool Overlap(ulong[] a, ulong[] b)
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
