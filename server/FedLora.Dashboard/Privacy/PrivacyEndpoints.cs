using FedLora.Dashboard.Access;
using FedLora.Dashboard.Pages;
using FedLora.Privacy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Privacy;

/// <summary>The pages of the privacy officer.</summary>
internal static class PrivacyEndpoints
{
    // A person waits for the answer of a what-if; the accountant is bounded at 10 s a question, and asks several.
    private static readonly TimeSpan WhatIfPatience = TimeSpan.FromSeconds(30);

    internal static void Map(IEndpointRouteBuilder web)
    {
        var pages = web.MapGroup("/privacy").RequireAuthorization(DashboardPolicies.Read);
        pages.MapGet("", ListAsync);
        pages.MapGet("/all.csv", AllAsync);
        pages.MapGet("/{node}/{dataSet}", ShowAsync);
        pages.MapGet("/{node}/{dataSet}/receipts.csv",
            async (string node, string dataSet, PrivacyBook book, CancellationToken cancellationToken) =>
            {
                var view = await book.NodeAsync(node, cancellationToken);
                var receipts = (await book.LedgerAsync(view, cancellationToken)).Where(entry => entry.Receipt.DataSet == dataSet);
                return Csv([(view.Name, receipts)], $"{node}-{Show.Short(dataSet)}.csv");
            });
        pages.MapGet("/{node}/{dataSet}/statement",
            async (HttpContext http, string node, string dataSet, PageRenderer renderer, PrivacyBook book, TimeProvider time,
                CancellationToken cancellationToken) =>
            await renderer.PageAsync<StatementPage>(http,
                new
                {
                    Account = await book.AccountAsync(node, dataSet, cancellationToken),
                    Now = time.GetUtcNow(),
                    Coordinator = $"{http.Request.Scheme}://{http.Request.Host}"
                }));
    }

    private static async Task<IResult> ListAsync(HttpContext http, PageRenderer renderer, PrivacyBook book, string? q, int? page,
        CancellationToken cancellationToken)
    {
        var all = await book.RowsAsync(cancellationToken);
        var found = string.IsNullOrWhiteSpace(q) ? all
            : [.. all.Where(row =>
                row.Node.Contains(q, StringComparison.OrdinalIgnoreCase) || row.DataSet.StartsWith(q, StringComparison.OrdinalIgnoreCase)
                    || row.Federations.Contains(q))];
        return await renderer.PageAsync<PrivacyPage>(http, new { Rows = Paging.Of(found, page), Query = q ?? "", All = all });
    }

    private static async Task<IResult> AllAsync(PrivacyBook book, CancellationToken cancellationToken)
    {
        var sites = new List<(string, IEnumerable<LedgerMirrorEntry>)>();
        foreach (var node in await book.NodesAsync(cancellationToken))
            sites.Add((node.Name, await book.LedgerAsync(node, cancellationToken)));
        return Csv(sites, "privacy.csv");
    }

    private static async Task<IResult> ShowAsync(
        HttpContext http, string node, string dataSet, PageRenderer renderer, PrivacyBook book, Accounting accounting, int? rounds,
            double? sigma, double? q, int? steps, CancellationToken cancellationToken)
    {
        var account = await book.AccountAsync(node, dataSet, cancellationToken);
        var last = account.Projection?.Round ?? (account.Past is [.., var newest] ? newest : null);
        var asked = new SampledGaussian(sigma ?? last?.NoiseMultiplier ?? 1, q ?? last?.SamplingRate ?? 0.01, steps ?? last?.Steps ?? 10);
        var answer = rounds is { } wanted
            ? await accounting.WhatIfAsync(account.Past, asked, wanted, account.Limit, WhatIfPatience, cancellationToken) : null;
        return await renderer.PageAsync<DataSetPage>(http, new { Account = account, Asked = asked, Rounds = rounds, Answer = answer });
    }

    private static IResult Csv(IEnumerable<(string Node, IEnumerable<LedgerMirrorEntry> Entries)> sites, string file) =>
        Results.Text(ReceiptsCsv.Write(sites), "text/csv; charset=utf-8") is var text ? new Download(text, file) : text;
}
