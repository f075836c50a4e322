using System.Runtime.CompilerServices;
using FedLora.Client.State;
using FedLora.Core.Audit;
using Microsoft.Extensions.Hosting;

namespace FedLora.SitePage;

/// <summary>
/// When the node last wrote what the page shows. Whether a node is running is not asked here: asking takes the folder's lock for a moment,
/// and every start and stop is written down.
/// </summary>
internal sealed class FolderChanges(string folder, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // A node that was killed writes nothing down; and it keeps proxies from closing the line.
    private const int AtLeastEvery = 10;

    /// <summary>The newest moment.</summary>
    internal DateTime Newest()
    {
        var newest = File.GetLastWriteTimeUtc(NodeFolder.CredentialFileOf(folder));
        foreach (var place in (string[])[NodeFolder.LedgerOf(folder), AuditLog.FolderIn(folder), .. NodeFolder.FederationFoldersOf(folder)])
            foreach (var file in Directory.Exists(place) ? Directory.EnumerateFiles(place) : [])
                newest = File.GetLastWriteTimeUtc(file) is var written && written > newest ? written : newest;
        return newest;
    }

    /// <summary>A word now, and with every change.</summary>
    /// <param name="cancellationToken">The browser has gone.</param>
    internal async IAsyncEnumerable<string> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping, cancellationToken);
        using var timer = new PeriodicTimer(Look, time);
        var (known, looks) = (Newest(), 0);
        yield return $"{known.Ticks}";
        while (await NextAsync(timer, ending.Token))
        {
            var now = Newest();
            if (now == known && ++looks < AtLeastEvery)
                continue;
            (known, looks) = (now, 0);
            yield return $"{known.Ticks}";
        }
    }

    // A stop, or a browser that has gone, is how this ends.
    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
