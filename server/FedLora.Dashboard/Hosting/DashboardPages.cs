using FedLora.Dashboard.Access;
using FedLora.Dashboard.Federations;
using FedLora.Dashboard.Live;
using FedLora.Dashboard.Pages;
using FedLora.Dashboard.Privacy;
using FedLora.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FedLora.Dashboard.Hosting;

/// <summary>All pages.</summary>
internal sealed class DashboardPages(IServer server) : ICoordinatorPages
{
    public string Url => DashboardAddress.Reached(server.Features.Get<IServerAddressesFeature>()!.Addresses.Last());

    public void Map(WebApplication web)
    {
        var pages = web.MapGroup("").AddEndpointFilterFactory((_, next) => context => ProblemFilter.InvokeAsync(context, next))
            .WithMetadata(new DashboardPage(), new OnDashboardOnly());
        // Headers before authentication, whose refusals are pages too.
        web.UseRouting();
        web.Use((http, next) =>
        {
            if (!DashboardListener.IsElsewhere(http))
                return next(http);
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
        web.Use((http, next) =>
            http.GetEndpoint()?.Metadata.GetMetadata<DashboardPage>() is null ? next(http)
                : SecurityHeaders.AddAsync(http, _ => next(http)));
        web.UseAuthentication();
        web.UseAuthorization();
        PageFiles.Map(pages);
        SignInEndpoints.Map(pages);
        PrivacyEndpoints.Map(pages);
        FederationEndpoints.Map(pages);
        NodeEndpoints.Map(pages);
        AuditEndpoints.Map(pages);
        Changes.Map(pages);
        // For a program, which shows a token and has no session.
        web.MapPrometheusScrapingEndpoint("/metrics").RequireAuthorization(Policies.Reader)
            .WithMetadata(new OnDashboardOnly());
        pages.MapGet("/", () => Go.To("/privacy")).RequireAuthorization(DashboardPolicies.Read);
    }
}

/// <summary>Marks an endpoint as one of the dashboard's.</summary>
internal sealed class DashboardPage;
