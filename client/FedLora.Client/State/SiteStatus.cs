using FedLora.Client.Trainers;
using FedLora.Privacy.Ledger;

namespace FedLora.Client.State;

/// <summary>What a node's own folder says, beside the node that may be running on it; no coordinator is asked, or believed.</summary>
/// <param name="Folder">Absolute path.</param>
/// <param name="Running">Whether a node holds it.</param>
/// <param name="Node">The name that it was enrolled by; null before.</param>
/// <param name="NodeId">Its id at the coordinator; null before.</param>
/// <param name="Coordinator">Where it is enrolled; null before.</param>
/// <param name="Balances">What each data set has spent.</param>
/// <param name="UpdateNoise">What noise on whole updates has spent; null where there was none.</param>
/// <param name="Updates">The newest update of each federation, the newest first.</param>
/// <param name="CacheBytes">Adapters that are kept, bytes.</param>
public sealed record SiteStatus(
    string Folder, bool Running, string? Node, string? NodeId, string? Coordinator, IReadOnlyList<LedgerBalance> Balances,
    HiddenUpdates? UpdateNoise, IReadOnlyList<SentUpdate> Updates, long CacheBytes)
{
    /// <summary>Reads a folder. The accountant bounds what was spent, which may take seconds.</summary>
    /// <exception cref="FedLoraException"><c>state-missing</c>, <c>ledger-damaged</c>.</exception>
    public static SiteStatus Read(string folder)
    {
        var credential = NodeCredential.Load(NodeFolder.CredentialFileOf(NodeFolder.Existing(folder)));
        IReadOnlyList<LedgerBalance> balances = [];
        if (Directory.Exists(NodeFolder.LedgerOf(folder)))
        {
            using var ledger = PrivacyLedger.Read(NodeFolder.LedgerOf(folder));
            balances = [.. ledger.DataSets.Select(dataSet => LedgerBalance.Of(ledger, dataSet, null, null))];
        }
        return new SiteStatus(Path.GetFullPath(folder), NodeFolder.IsHeld(folder), credential?.Name, credential?.NodeId,
            credential?.Coordinator, balances, Hidden(folder), Sent(folder), Size(NodeFolder.CacheOf(folder)));
    }

    private static HiddenUpdates? Hidden(string folder)
    {
        var account = new UpdateNoiseAccount(folder);
        return account.Rounds is > 0 and var rounds
            ? new HiddenUpdates(rounds, account.Epsilon(UpdateNoiseTerms.UsualDelta), UpdateNoiseTerms.UsualDelta) : null;
    }

    private static List<SentUpdate> Sent(string folder) =>
        [.. NodeFolder.FederationFoldersOf(folder).Select(Newest).OfType<SentUpdate>().OrderByDescending(update => update.Made)];

    private static SentUpdate? Newest(string federation) => PendingUpdate.Load(federation) is not { } update ? null
        : new SentUpdate(
            update.Header.Federation, update.Header.Round, update.Header.Blob.Size, PendingUpdate.Waiting(federation) is not null,
            new DateTimeOffset(File.GetLastWriteTimeUtc(update.Path!), TimeSpan.Zero));

    private static long Size(string folder) =>
        Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) : 0;
}

/// <summary>What noise on whole updates (<c>--trainer-noise</c>) has spent, of the site as a whole; no limit holds it.</summary>
/// <param name="Rounds">How many were hidden so.</param>
/// <param name="Epsilon">Upper bound.</param>
/// <param name="Delta">The delta that it is stated at.</param>
public sealed record HiddenUpdates(int Rounds, double Epsilon, double Delta);

/// <summary>A federation's newest update; it waits until the coordinator has said what becomes of it.</summary>
/// <param name="Federation">For whom.</param>
/// <param name="Round">Of which round.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Waiting">Whether the coordinator has still to say that it has it.</param>
/// <param name="Made">When.</param>
public sealed record SentUpdate(string Federation, uint Round, long Bytes, bool Waiting, DateTimeOffset Made);
