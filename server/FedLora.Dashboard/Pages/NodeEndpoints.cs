using FedLora.Dashboard.Access;
using FedLora.Dashboard.Privacy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Pages;

/// <summary>Nodes, and the silos that the coordinator runs on.</summary>
internal static class NodeEndpoints
{
    internal static void Map(IEndpointRouteBuilder web)
    {
        var read = web.MapGroup("").RequireAuthorization(DashboardPolicies.Read);
        read.MapGet("/nodes", ListAsync);
        read.MapGet("/nodes/{name}",
            async (HttpContext http, string name, PageRenderer renderer, PrivacyBook book, CancellationToken cancellationToken) =>
            await renderer.PageAsync<NodePage>(http, new { Node = await book.NodeAsync(name, cancellationToken) }));
        read.MapGet("/cluster", ClusterAsync);
    }

    private static async Task<IResult> ListAsync(HttpContext http, PageRenderer renderer, PrivacyBook book, string? q, int? page,
        CancellationToken cancellationToken)
    {
        var all = (await book.NodesAsync(cancellationToken)).OrderBy(node => node.Revoked).ThenByDescending(node => node.Online)
            .ThenBy(node => node.Name, StringComparer.Ordinal).ToList();
        var found = string.IsNullOrWhiteSpace(q) ? all
            : [.. all.Where(node => node.Name.Contains(q, StringComparison.OrdinalIgnoreCase) || node.Group == q)];
        return await renderer.PageAsync<NodesPage>(http, new { Nodes = Paging.Of(found, page), Query = q ?? "", Any = all.Count > 0 });
    }

    private static async Task<IResult> ClusterAsync(HttpContext http, PageRenderer renderer, IGrainFactory grains)
    {
        var management = grains.GetGrain<IManagementGrain>(0);
        var hosts = await management.GetDetailedHosts();
        var active = hosts.Where(host => host.Status == SiloStatus.Active).Select(host => host.SiloAddress).ToArray();
        var statistics = await management.GetRuntimeStatistics(active);
        return await renderer.PageAsync<ClusterPage>(http,
            new { Hosts = hosts, Statistics = active.Zip(statistics).ToDictionary(pair => pair.First, pair => pair.Second) });
    }
}
