using System.Runtime.CompilerServices;
using FedLora.Dashboard.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace FedLora.Dashboard.Live;

/// <summary>
/// Tells open pages that something has changed; they then fetch themselves anew, as their viewer may see them. One event says no more than
/// that: what a page shows is decided in one place only.
/// </summary>
internal sealed class Changes(IGrainFactory grains, Door door, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    // That a node has gone away changes nothing that counts versions; and it keeps proxies from closing the line.
    private const int AtLeastEvery = 20;

    internal static void Map(IEndpointRouteBuilder web) => web.MapGet("/events",
        (HttpContext http, Changes changes, CancellationToken cancellationToken) =>
            TypedResults.ServerSentEvents(changes.WatchAsync(http, cancellationToken), "changed"))
        .RequireAuthorization(DashboardPolicies.Read);

    /// <param name="http">The viewer's: when he is no longer in, this is over.</param>
    /// <param name="cancellationToken">The browser has gone.</param>
    internal async IAsyncEnumerable<string> WatchAsync(HttpContext http, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var timer = new PeriodicTimer(Look, time);
        var (known, looks) = (await StampAsync(ending.Token), 0);
        yield return known;
        while (await NextAsync(timer, ending.Token))
        {
            if (!await door.IsStillInAsync(http, ending.Token))
                yield break;
            var now = await StampAsync(ending.Token);
            if (now == known && ++looks < AtLeastEvery)
                continue;
            (known, looks) = (now, 0);
            yield return known;
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

    private async Task<string> StampAsync(CancellationToken cancellationToken)
    {
        var registry = grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);
        var (newest, federations) = (0L, await registry.ListFederationsAsync(cancellationToken));
        foreach (var federation in federations.Where(federation =>
            federation.State is not (FederationState.Finished or FederationState.Stopped)))
        {
            try
            {
                newest = Math.Max(newest, await grains.GetGrain<IFederationGrain>(federation.Name).VersionAsync(cancellationToken));
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // One that cannot be read is named on the page of federations; here it changes nothing.
            }
        }

        var nodes = await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).CountNodesAsync(cancellationToken);
        return $"{newest}-{string.Join("", federations.Select(federation => (int)federation.State))}-{nodes}";
    }
}
