using FedLora.Client.State;
using FedLora.Core.Audit;

namespace FedLora.SitePage;

/// <summary>
/// When the node last wrote what the page shows. Whether a node is running is not asked here: asking takes the folder's lock for a moment,
/// and every start and stop is written down.
/// </summary>
internal static class FolderStamp
{
    internal static DateTime Of(string folder)
    {
        var newest = DateTime.UnixEpoch;
        foreach (var place in (string[])[NodeFolder.LedgerOf(folder), AuditLog.FolderIn(folder), .. NodeFolder.FederationFoldersOf(folder)])
            foreach (var file in Directory.Exists(place) ? Directory.EnumerateFiles(place) : [])
                newest = Later(newest, File.GetLastWriteTimeUtc(file));
        return Later(newest, File.GetLastWriteTimeUtc(NodeFolder.CredentialFileOf(folder)));
    }

    private static DateTime Later(DateTime a, DateTime b) => a > b ? a : b;
}
