using FedLora.Client.State;
using FedLora.Core.Audit;
using FedLora.Privacy.Ledger;

namespace FedLora.SitePage;

/// <summary>All that the page shows, read from the node's folder at one moment.</summary>
/// <param name="Status">The node, and what each data set has spent.</param>
/// <param name="Policy">What the site allows; null where no policy file is named.</param>
/// <param name="Uses">For whom it was spent, the newest first.</param>
/// <param name="Events">The newest entries of the node's audit log, the newest first.</param>
public sealed record SiteView(
    SiteStatus Status, SitePolicy? Policy, IReadOnlyList<FederationUse> Uses, IReadOnlyList<AuditEntry> Events)
{
    private const int MostEvents = 30;

    /// <summary>Reads the folder, beside the node that may be running on it.</summary>
    /// <exception cref="FedLoraException"><c>state-missing</c>, <c>ledger-damaged</c>.</exception>
    internal static SiteView Read(string folder, SitePolicy? policy, CancellationToken cancellationToken) => new(
        SiteStatus.Read(folder), policy, UsesOf(NodeFolder.LedgerOf(folder)),
        [.. AuditFiles.Last(AuditLog.FolderIn(folder), _ => true, MostEvents, cancellationToken).Reverse()]);

    private static IReadOnlyList<FederationUse> UsesOf(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        using var ledger = PrivacyLedger.Read(folder);
        return [.. ledger.Entries.GroupBy(entry => (entry.DataSet, entry.Coordinator, entry.Federation)).Select(uses => new FederationUse(
            ledger.LabelOf(uses.Key.DataSet)?.Name ?? uses.Key.DataSet[..12], uses.Key.Coordinator, uses.Key.Federation,
            uses.Select(use => use.Round).Distinct().Count(), uses.Last())).OrderByDescending(use => use.Last.At)];
    }
}

/// <summary>What a federation has used a data set for.</summary>
/// <param name="DataSet">The site's name of it.</param>
/// <param name="Coordinator">Whose federation it is; null in ledgers of older programs.</param>
/// <param name="Federation">Its name there.</param>
/// <param name="Rounds">How many rounds were charged.</param>
/// <param name="Last">The newest charge, with its terms.</param>
public sealed record FederationUse(string DataSet, string? Coordinator, string Federation, int Rounds, LedgerEntry Last);
