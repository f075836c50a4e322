using FedLora.Core.Audit;
using FedLora.Dashboard.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Pages;

/// <summary>What happened at this coordinator and who did it.</summary>
internal static class AuditEndpoints
{
    private const int Most = 200;

    internal static void Map(IEndpointRouteBuilder web) =>
        web.MapGet("/audit", async (HttpContext http, PageRenderer renderer, AuditLog audit, string? q,
            CancellationToken cancellationToken) =>
            await renderer.PageAsync<AuditPage>(http, new
            {
                Entries = Newest(audit, q?.Trim() ?? "", cancellationToken),
                Query = q ?? "",
                audit.Count,
                audit.Head,
                Most,
            })).RequireAuthorization(DashboardPolicies.Read);

    private static IReadOnlyList<AuditEntry> Newest(AuditLog audit, string word, CancellationToken cancellationToken) =>
        [.. AuditFiles.Last(audit.Folder, entry => entry.Message.Contains(word, StringComparison.OrdinalIgnoreCase)
            || entry.Fields.Values.Any(value => value.Contains(word, StringComparison.OrdinalIgnoreCase)), Most, cancellationToken)
            .Reverse()];
}
