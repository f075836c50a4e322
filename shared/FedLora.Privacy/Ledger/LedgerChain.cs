using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FedLora.Privacy.Ledger;

/// <summary>
/// The ledger's file: one JSON line per entry, each sealed over the one before with the node's key, and beside it a head that says how many
/// entries there are. The entry is durable before the head, and both before <see cref="Append"/> returns; so a crash can leave an entry too
/// many, never one too few.
/// </summary>
internal sealed class LedgerChain
{
    private const string Lines = "ledger.jsonl";
    private const string Head = "ledger.head";
    private const string Key = "ledger.key";
    private const string Genesis = "genesis";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly ILedgerStorage _storage;
    private readonly byte[] _key;
    private readonly List<LedgerEntry> _entries = [];
    private bool _isTorn;

    // How many of them the head on disk knows.
    private int _headed;

    private LedgerChain(ILedgerStorage storage, byte[] key) => (this._storage, this._key) = (storage, key);

    /// <summary>All entries, oldest first.</summary>
    public IReadOnlyList<LedgerEntry> Entries => _entries;

    /// <summary>Opens a ledger, or begins one where there is none, and checks every seal.</summary>
    /// <exception cref="FedLoraException"><c>ledger-damaged</c>: cut, edited or only partly there; <c>ledger-missing</c>: nothing of one is
    /// there to be read.</exception>
    public static LedgerChain Open(ILedgerStorage storage, bool readOnly)
    {
        // The head first: a reader beside a writing node then finds an entry too many, never one too few.
        var (key, head, lines) = (storage.Read(Key), storage.Read(Head), storage.Read(Lines));
        if (!readOnly && key is null && lines is null or []
            && (head is null || Encoding.UTF8.GetString(head).StartsWith("0 ", StringComparison.Ordinal))
            && !DataSetCatalogue.IsThere(storage))
        {
            // The key last: with it the ledger is begun, and from then on all three files must be there; nothing can have been spent
            // before.
            var begun = new LedgerChain(storage, RandomNumberGenerator.GetBytes(32));
            if (lines is null)
                storage.Append(Lines, []);
            storage.Replace(Head, begun.HeadLine());
            storage.Replace(Key, begun._key);
            return begun;
        }
        if (key is null && lines is null && head is null && !DataSetCatalogue.IsThere(storage))
            throw new FedLoraException("ledger-missing", "there is no privacy ledger here",
                "A node keeps it in the folder 'ledger' of its own folder (--state, by default fedlora-node beside its data), from its "
                    + "first training on.");
        if (key is not { Length: 32 } || lines is null || head is null)
            throw Damaged($"{(key is not { Length: 32 } ? Key : lines is null ? Lines : Head)} is missing or cut");
        var chain = new LedgerChain(storage, key);
        chain.Load(lines, Encoding.UTF8.GetString(head), readOnly);
        return chain;
    }

    /// <summary>Seals and writes an entry; when this returns it is on disk.</summary>
    /// <exception cref="IOException">Nothing was written, e.g. for want of space; it may be tried again.</exception>
    /// <exception cref="FedLoraException"><c>ledger-write-failed</c>: a write before this one failed in a way that leaves unknown what is
    /// on disk.</exception>
    public LedgerEntry Append(LedgerEntry unsealed)
    {
        if (_isTorn)
            throw new FedLoraException("ledger-write-failed",
                "the privacy ledger could not be written before, and what is on disk is not known",
                "See to the disk, then start the node again: it opens the ledger anew.");
        // An earlier entry whose head could not be written stays counted; but a head may lag by one entry only.
        if (_headed < _entries.Count)
            WriteHead();
        var entry = unsealed with { Sequence = _entries.Count + 1, Previous = Last, Seal = "" };
        entry = entry with { Seal = SealOf(entry) };
        AppendLine(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(entry, Json) + "\n"));
        _entries.Add(entry);
        WriteHead();
        return entry;
    }

    /// <summary>A keyed hash by the node's ledger key: what it is of cannot be guessed without the key.</summary>
    public byte[] KeyedHash(ReadOnlySpan<byte> content) => HMACSHA256.HashData(_key, content);

    private string Last => _entries.Count == 0 ? Genesis : _entries[^1].Seal;

    private void AppendLine(byte[] line)
    {
        try
        {
            _storage.Append(Lines, line);
        }
        catch (Exception e) when (e is not IOException)
        {
            // A part of a line may be there; a further line after it would damage the file.
            _isTorn = true;
            throw;
        }
    }

    private void WriteHead()
    {
        _storage.Replace(Head, HeadLine());
        _headed = _entries.Count;
    }

    private byte[] HeadLine()
    {
        var text = $"{_entries.Count} {Last}";
        return Encoding.UTF8.GetBytes($"{text} {Convert.ToHexStringLower(KeyedHash(Encoding.UTF8.GetBytes(text)))}\n");
    }

    private void Load(byte[] lines, string head, bool readOnly)
    {
        var start = 0;
        for (int end; (end = Array.IndexOf(lines, (byte)'\n', start)) >= 0; start = end + 1)
        {
            var entry = Parse(lines.AsSpan(start, end - start)) ?? throw Damaged($"line {_entries.Count + 1} of {Lines} is no entry");
            if (entry.Sequence != _entries.Count + 1 || entry.Previous != Last || entry.Seal != SealOf(entry))
                throw Damaged($"entry {_entries.Count + 1} of {Lines} does not carry its seal");
            _entries.Add(entry);
        }
        var parts = head.TrimEnd('\n').Split(' ');
        if (parts.Length != 3 || !long.TryParse(parts[0], out var count)
            || parts[2] != Convert.ToHexStringLower(KeyedHash(Encoding.UTF8.GetBytes($"{parts[0]} {parts[1]}"))))
            throw Damaged($"{Head} does not carry its seal");
        if (_entries.Count < count || (count == 0 ? Genesis : _entries[(int)count - 1].Seal) != parts[1])
            throw Damaged($"{Head} knows {count} entries, {Lines} holds {_entries.Count} of them");
        if (_entries.Count > count + 1)
            throw Damaged($"{Lines} holds {_entries.Count} entries, {Head} knows only {count}");
        if (readOnly)
            return;
        // What follows the last line end was being written when the node died: its noise was never drawn.
        if (start < lines.Length)
            _storage.Truncate(Lines, start);
        // An entry beyond the head was written, and then the node died: it stays counted.
        if (_entries.Count > count)
            WriteHead();
        _headed = _entries.Count;
    }

    private static LedgerEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<LedgerEntry>(line, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private string SealOf(LedgerEntry entry) => Convert.ToHexStringLower(KeyedHash(Encoding.UTF8.GetBytes(entry.Sealed)));

    private static FedLoraException Damaged(string what) => new("ledger-damaged", $"the privacy ledger has been cut or edited: {what}",
        "The node does not train until the ledger is whole again: restore the newest copy of its folder. If there is none, what was spent "
            + "is unknown: treat the data as spent.");
}
