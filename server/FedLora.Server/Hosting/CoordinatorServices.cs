using FedLora.Core.Audit;
using FedLora.Server.Audit;
using FedLora.Server.Authentication;
using FedLora.Server.Certificates;
using FedLora.Server.Downloads;
using FedLora.Server.Frontends;
using FedLora.Server.Services;
using FedLora.Server.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Hosting;

/// <summary>A coordinator as a part of an ASP.NET Core program.</summary>
public static class CoordinatorServices
{
    private const int StreamWindow = 256 * 1024;
    private static readonly TimeSpan Handshake = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Adds the silo (or what asks those of the cluster), its stores, authentication, the gRPC services and where Kestrel listens. The
    /// program then calls <see cref="MapFedLoraCoordinator"/>.
    /// </summary>
    /// <exception cref="OptionsValidationException">At the start, for options that cannot be meant.</exception>
    public static WebApplicationBuilder AddFedLoraCoordinator(this WebApplicationBuilder builder, Action<ServerOptions> configure)
    {
        var services = builder.Services;
        services.AddSingleton<IValidateOptions<ServerOptions>, ServerOptionsValidator>();
        services.AddOptions<ServerOptions>().Configure(configure).ValidateOnStart();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<ServerOptions>>(Listen);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new DataFolder(provider.GetRequiredService<IOptions<ServerOptions>>().Value.Data));
        services.AddSingleton(provider => AuditLog.Open(AuditLog.FolderIn(provider.GetRequiredService<DataFolder>().Root)));
        services.AddSingleton(provider => new Lazy<AuditLog>(provider.GetRequiredService<AuditLog>));
        services.AddSingleton<ILoggerProvider, AuditLoggerProvider>();
        builder.Logging.AddFilter<AuditLoggerProvider>(null, LogLevel.Information);
        services.AddSingleton(provider => AccessTokens.Ensure(provider.GetRequiredService<DataFolder>().Root));
        // Made only where there is TLS: on loopback without it nobody needs an authority.
        services.AddSingleton(provider => new Lazy<CertificateAuthority>(provider.GetRequiredService<CertificateAuthority>));
        services.AddSingleton(
            provider => CertificateAuthority.Ensure(provider.GetRequiredService<DataFolder>().Root,
                provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<PeerCertificates>();
        services.AddSingleton(provider => new ServerCertificate(
            provider.GetRequiredService<IOptions<ServerOptions>>().Value, provider.GetRequiredService<Lazy<CertificateAuthority>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddCoordinatorAuthentication();
        services.AddSingleton<ActionRecorder>();
        services.AddSingleton<CallFailures>();
        services.AddSingleton<CallEnding>();
        services.AddHostedService(provider => provider.GetRequiredService<CallEnding>());
        services.AddSingleton<PartCache>();
        services.AddSingleton<UpdateIntake>();
        services.AddSingleton<NodeConnections>();
        services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<RefusalInterceptor>();
            grpc.Interceptors.Add<ActionInterceptor>();
        });
        services.AddGrpcHealthChecks().AddCheck<CoordinatorHealth>("coordinator", timeout: CoordinatorHealth.Limit);
        var asked = new ServerOptions();
        configure(asked);
        if (asked.Postgres is null)
            CoordinatorSilo.Add(builder, provider => provider.GetRequiredService<DataFolder>().Root);
        else if (asked.Frontend)
            ClusterFrontend.Add(builder);
        else
            ClusterSilo.Add(builder);
        services.AddHostedService<CoordinatorStartup>();
        // Before the operator's file: who reads that finds beside it whom to trust.
        services.AddHostedService<ShownCertificate>();
        services.AddHostedService<LocalOperator>();
        // After the silo, so that it ends before it.
        services.AddHostedService<RevocationWatch>();
        return builder;
    }

    /// <summary>Maps the coordinator's calls.</summary>
    public static WebApplication MapFedLoraCoordinator(this WebApplication web)
    {
        web.Use(web.Services.GetRequiredService<CallEnding>().ServeAsync);
        web.MapGrpcService<EnrolmentService>();
        web.MapGrpcService<NodeService>();
        web.MapGrpcService<AdminService>();
        web.MapGrpcService<UpkeepService>();
        web.MapGrpcHealthChecksService().AllowAnonymous();
        // For who asks by HTTP: alive while the process answers, ready while the registry answers from its storage.
        web.MapHealthChecks("/healthz", new HealthCheckOptions { Predicate = _ => false }).AllowAnonymous();
        web.MapHealthChecks("/readyz").AllowAnonymous();
        foreach (var pages in web.Services.GetServices<ICoordinatorPages>())
            pages.Map(web);
        return web;
    }

    private static void Listen(KestrelServerOptions kestrel, IOptions<ServerOptions> options)
    {
        kestrel.Listen(options.Value.EndPoint(), listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (options.Value.IsSecure)
                listen.UseCoordinatorTls(Handshake);
        });
        // Transfers are bounded by idle time in the services, not by size or rate here: a slow site is not a broken one.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        // What a node may send ahead of what is read lies in memory: a thousand that send at once hold 256 MB, not the 768 of the defaults.
        kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindow;
        kestrel.Limits.Http2.InitialConnectionWindowSize = StreamWindow + StreamWindow / 4;
        // A node whose machine or network is gone is known to be in less than ten seconds.
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(3);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(5);
    }
}
