using FedLora.Server.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FedLora.Dashboard.Hosting;

/// <summary>
/// Marks connections that came in where the dashboard listens: what is for there is not found where nodes connect. (The host's name, by
/// which ASP.NET tells listeners apart, is what the caller says.)
/// </summary>
internal sealed class DashboardListener
{
    private static readonly DashboardListener Here = new();

    // A person who is asked which certificate to show may take a while.
    private static readonly TimeSpan Handshake = TimeSpan.FromMinutes(1);

    internal static void Mark(ListenOptions listen, bool isSecure)
    {
        listen.Protocols = HttpProtocols.Http1;
        if (isSecure)
            listen.UseCoordinatorTls(Handshake);
        listen.Use(next => connection =>
        {
            connection.Features.Set(Here);
            return next(connection);
        });
    }

    /// <summary>Whether an endpoint is for the dashboard's listener only, and this request has come by another.</summary>
    internal static bool IsElsewhere(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<OnDashboardOnly>() is not null && http.Features.Get<DashboardListener>() is null;
}

/// <summary>Marks an endpoint that is served by the dashboard's listener only.</summary>
internal sealed class OnDashboardOnly;
