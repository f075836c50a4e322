using FedLora.Dashboard.Access;
using FedLora.Dashboard.Federations;
using FedLora.Dashboard.Live;
using FedLora.Dashboard.Pages;
using FedLora.Dashboard.Privacy;
using FedLora.Server.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace FedLora.Dashboard.Hosting;

/// <summary>The dashboard as a part of a coordinator.</summary>
public static class DashboardServices
{
    // The coordinator's, Kestrel's, Orleans' and the runtime's.
    private static readonly string[] Meters =
        [CoordinatorInstruments.Meter, "Microsoft.AspNetCore.Hosting", "Microsoft.Orleans", "System.Runtime"];

    /// <summary>Adds the pages, and a port of their own: browsers speak HTTP/1.1 where there is no TLS, nodes HTTP/2.</summary>
    /// <param name="builder">The coordinator's host.</param>
    /// <param name="url">Where to serve them: https, with the coordinator's certificate, or http on loopback; port 0 takes a free
    /// one.</param>
    /// <exception cref="FedLoraException"><c>listen-invalid</c>, <c>listen-insecure</c>; at the start, where the coordinator itself
    /// listens without TLS, <c>listen-invalid</c>.</exception>
    public static IHostApplicationBuilder AddFedLoraDashboard(this IHostApplicationBuilder builder, string url)
    {
        var (endpoint, isSecure) = (DashboardAddress.EndPoint(url), DashboardAddress.IsSecure(url));
        var services = builder.Services;
        // After the coordinator's own address, which stays the first.
        services.AddOptions<KestrelServerOptions>().PostConfigure<IOptions<ServerOptions>>((kestrel, server) =>
        {
            if (isSecure)
                DashboardAddress.RequireTls(server.Value.Listen, url);
            kestrel.Listen(endpoint, listen => DashboardListener.Mark(listen, isSecure));
        });
        services.AddSingleton<ICoordinatorPages, DashboardPages>();
        services.AddSingleton<PageRenderer>();
        services.AddSingleton<Door>();
        services.AddSingleton<PrivacyBook>();
        services.AddSingleton<Accounting>();
        services.AddSingleton<FederationBook>();
        services.AddSingleton<RoundRecords>();
        services.AddSingleton<FederationDrafts>();
        services.AddSingleton<AdapterDownload>();
        services.AddSingleton<Changes>();
        services.AddSingleton<FirstPages>();
        services.AddHostedService(provider => provider.GetRequiredService<FirstPages>());
        services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, DoorHandler>(DoorHandler.SchemeName, null);
        services.AddAuthorizationBuilder()
            .AddPolicy(DashboardPolicies.Read, policy =>
                policy.AddAuthenticationSchemes(DoorHandler.SchemeName).RequireRole(Roles.Operator, Roles.Auditor))
            .AddPolicy(DashboardPolicies.Act, policy =>
                policy.AddAuthenticationSchemes(DoorHandler.SchemeName).RequireRole(Roles.Operator));
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(Meters).AddMeterRoom().AddPrometheusExporter());
        return builder;
    }
}
