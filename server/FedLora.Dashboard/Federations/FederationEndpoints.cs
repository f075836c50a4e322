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
        read.MapGet("",
            async (HttpContext http, PageRenderer renderer, FederationBook book, int? page, CancellationToken cancellationToken) =>
                await renderer.PageAsync<FederationsPage>(http, new { Lines = Paging.Of(await book.ListAsync(cancellationToken), page) }));
        read.MapGet("/{name}", ShowAsync);
        read.MapGet("/{name}/rounds/{round:int}", RoundAsync);

        var act = web.MapGroup("").RequireAuthorization(DashboardPolicies.Act);
        // As over gRPC: auditors are handed no adapter.
        act.MapGet("/federations/{name}/rounds/{round:int}/adapter.zip",
            (string name, int round, AdapterDownload download, CancellationToken cancellationToken) =>
                download.ZipAsync(name, round, cancellationToken)).AddEndpointFilter<ActionFilter>();
        act.MapGet("/federations/{name}/{verb}", ConfirmAsync);
        act.MapPost("/federations/{name}/{verb}", ActAsync).AddEndpointFilter<FormGuard>().AddEndpointFilter<ActionFilter>();
        act.MapGet("/create",
            async (HttpContext http, PageRenderer renderer, FederationDrafts drafts, string? model, CancellationToken cancellationToken) =>
            await renderer.PageAsync<CreatePage>(http,
                new { Models = await drafts.ModelsAsync(cancellationToken), Yaml = "", Model = model ?? "" }));
        act.MapPost("/create/explain", ExplainAsync).AddEndpointFilter<FormGuard>();
        act.MapPost("/create", CreateAsync).AddEndpointFilter<FormGuard>().AddEndpointFilter<ActionFilter>();
    }

    private static async Task<IResult> ShowAsync(
        HttpContext http, string name, PageRenderer renderer, FederationBook book, RoundRecords records, int? upTo,
            CancellationToken cancellationToken)
    {
        var view = await book.ViewAsync(name, cancellationToken);
        var rounds = await book.RoundsAsync(view, upTo, Paging.Size, cancellationToken);
        var spreads = new List<RoundSpread>();
        foreach (var round in rounds)
            spreads.Add(RoundSpread.Of(round, await records.FindAsync(round, cancellationToken)));
        return await renderer.PageAsync<FederationPage>(http, new { View = view, Rounds = spreads });
    }

    private static async Task<IResult> RoundAsync(
        HttpContext http, string name, int round, PageRenderer renderer, FederationBook book, RoundRecords records, IGrainFactory grains,
            CancellationToken cancellationToken)
    {
        var view = await book.ViewAsync(name, cancellationToken);
        var summary = await book.RoundAsync(view, round, cancellationToken)
            ?? throw new RefusedException(RefusalCodes.RoundUnknown, $"Federation '{name}' has no committed round {round}.",
                $"It has {view.RoundsDone}.");
        var names = (await grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key).ListNodesAsync(cancellationToken))
            .ToDictionary(node => node.NodeId, node => node.Name, StringComparer.Ordinal);
        return await renderer.PageAsync<RoundPage>(http,
            new { View = view, Round = summary, Record = await records.FindAsync(summary, cancellationToken), Names = names });
    }

    private static async Task<IResult> ConfirmAsync(HttpContext http, string name, string verb, PageRenderer renderer, FederationBook book,
        CancellationToken cancellationToken) =>
        await renderer.PageAsync<ConfirmPage>(http,
            new { View = await book.ViewAsync(name, cancellationToken), Verb = FederationVerb.Of(verb) });

    private static async Task<IResult> ActAsync(string name, string verb, FederationBook book, IGrainFactory grains,
        CancellationToken cancellationToken)
    {
        await FederationVerb.Of(verb).DoAsync(book.Grain(name), cancellationToken);
        if (verb == FederationVerb.Start.Name)
            await grains.WakeNodesAsync(cancellationToken);
        return Go.To($"/federations/{Uri.EscapeDataString(name)}");
    }

    private static async Task<IResult> ExplainAsync(HttpContext http, PageRenderer renderer, FederationDrafts drafts,
        CancellationToken cancellationToken)
    {
        var form = await http.Request.ReadFormAsync(cancellationToken);
        var (yaml, model) = (await DraftForm.YamlAsync(form, cancellationToken), form["model"].ToString());
        var models = await drafts.ModelsAsync(cancellationToken);
        try
        {
            var explained = await drafts.ExplainAsync(yaml, model, cancellationToken);
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

    private static async Task<IResult> CreateAsync(HttpContext http, FederationDrafts drafts, CancellationToken cancellationToken)
    {
        var form = await http.Request.ReadFormAsync(cancellationToken);
        var view = await drafts.CreateAsync(await DraftForm.YamlAsync(form, cancellationToken), form["model"].ToString(),
            cancellationToken);
        return Go.To($"/federations/{view.Definition.Name}");
    }
}
