using FedLora.Dashboard.Access;
using FedLora.Dashboard.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Federations;

/// <summary>What federations do, and what operators do with them.</summary>
internal static class FederationEndpoints
{
    internal static void Map(IEndpointRouteBuilder web)
    {
        var read = web.MapGroup("/federations").RequireAuthorization(DashboardPolicies.Read);
        read.MapGet("", async (HttpContext http, PageRenderer renderer, FederationBook book, int? page, CancellationToken cancellation) =>
            await renderer.PageAsync<FederationsPage>(http, new { Lines = Paging.Of(await book.ListAsync(cancellation), page) }));
        read.MapGet("/{name}", ShowAsync);
        read.MapGet("/{name}/rounds/{round:int}", RoundAsync);

        var act = web.MapGroup("").RequireAuthorization(DashboardPolicies.Act);
        // As over gRPC: auditors are handed no adapter.
        act.MapGet("/federations/{name}/rounds/{round:int}/adapter.zip",
            (string name, int round, AdapterDownload download, CancellationToken cancellation) =>
                download.ZipAsync(name, round, cancellation));
        act.MapGet("/federations/{name}/{verb}", ConfirmAsync);
        act.MapPost("/federations/{name}/{verb}", ActAsync).AddEndpointFilter<FormGuard>();
        act.MapGet("/create",
            async (HttpContext http, PageRenderer renderer, FederationDrafts drafts, string? model, CancellationToken cancellation) =>
            await renderer.PageAsync<CreatePage>(http,
                new { Models = await drafts.ModelsAsync(cancellation), Yaml = "", Model = model ?? "" }));
        act.MapPost("/create/explain", ExplainAsync).AddEndpointFilter<FormGuard>();
        act.MapPost("/create", CreateAsync).AddEndpointFilter<FormGuard>();
    }

    private static async Task<IResult> ShowAsync(
        HttpContext http, string name, PageRenderer renderer, FederationBook book, RoundRecords records, int? upTo,
            CancellationToken cancellation)
    {
        var view = await book.ViewAsync(name, cancellation);
        var rounds = await book.RoundsAsync(view, upTo, Paging.Size, cancellation);
        var spreads = new List<RoundSpread>();
        foreach (var round in rounds)
            spreads.Add(RoundSpread.Of(round, await records.FindAsync(round, cancellation)));
        return await renderer.PageAsync<FederationPage>(http, new { View = view, Rounds = spreads });
    }

    private static async Task<IResult> RoundAsync(
        HttpContext http, string name, int round, PageRenderer renderer, FederationBook book, RoundRecords records, IGrainFactory grains,
            CancellationToken cancellation)
    {
        var view = await book.ViewAsync(name, cancellation);
        var summary = await book.RoundAsync(view, round, cancellation)
            ?? throw new RefusedException(RefusalCodes.RoundUnknown, $"Federation '{name}' has no committed round {round}.",
                $"It has {view.RoundsDone}.");
        var names = (await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).ListNodesAsync(cancellation))
            .ToDictionary(node => node.NodeId, node => node.Name, StringComparer.Ordinal);
        return await renderer.PageAsync<RoundPage>(http,
            new { View = view, Round = summary, Record = await records.FindAsync(summary, cancellation), Names = names });
    }

    private static async Task<IResult> ConfirmAsync(HttpContext http, string name, string verb, PageRenderer renderer, FederationBook book,
        CancellationToken cancellation) =>
        await renderer.PageAsync<ConfirmPage>(http,
            new { View = await book.ViewAsync(name, cancellation), Verb = FederationVerb.Of(verb) });

    private static async Task<IResult> ActAsync(string name, string verb, FederationBook book, IGrainFactory grains,
        CancellationToken cancellation)
    {
        await FederationVerb.Of(verb).DoAsync(book.Grain(name), cancellation);
        // Nodes whose polls are waiting do not know of the federation yet.
        foreach (var node in verb == FederationVerb.Start.Name
            ? await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).ListNodesAsync(cancellation) : [])
            await grains.GetGrain<INodeGrain>(node.NodeId).WakeAsync(cancellation);
        return Go.To($"/federations/{Uri.EscapeDataString(name)}");
    }

    private static async Task<IResult> ExplainAsync(HttpContext http, PageRenderer renderer, FederationDrafts drafts,
        CancellationToken cancellation)
    {
        var form = await http.Request.ReadFormAsync(cancellation);
        var (yaml, model) = (await DraftForm.YamlAsync(form, cancellation), form["model"].ToString());
        var models = await drafts.ModelsAsync(cancellation);
        try
        {
            var explained = await drafts.ExplainAsync(yaml, model, cancellation);
            return await renderer.PageAsync<CreatePage>(http, new { Models = models, Yaml = yaml, Model = model, Explained = explained });
        }
        catch (Exception refused) when (refused is FedLoraException or RefusedException)
        {
            var hint = refused is FedLoraException known ? known.Hint : ((RefusedException)refused).Hint;
            return await renderer.PageAsync<CreatePage>(http,
                new { Models = models, Yaml = yaml, Model = model, Problem = $"{refused.Message.TrimEnd('.')}. {hint}" },
                    StatusCodes.Status400BadRequest);
        }
    }

    private static async Task<IResult> CreateAsync(HttpContext http, FederationDrafts drafts, CancellationToken cancellation)
    {
        var form = await http.Request.ReadFormAsync(cancellation);
        var view = await drafts.CreateAsync(await DraftForm.YamlAsync(form, cancellation), form["model"].ToString(), cancellation);
        return Go.To($"/federations/{view.Definition.Name}");
    }
}
