using System.Net.Sockets;
using FedLora.Grains;
using FedLora.Server.Adapters;
using FedLora.Server.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Hosting;

/// <summary>A coordinator in this process: data folder, silo, stores and gRPC services, from start to stop.</summary>
public sealed class CoordinatorHost : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly DataFolder folder;

    private CoordinatorHost(WebApplication application, DataFolder folder, string url)
    {
        this.application = application;
        this.folder = folder;
        Url = url;
    }

    /// <summary>Where it listens, with the port it really has.</summary>
    public string Url { get; }

    /// <summary>Starts a coordinator; when this returns it answers.</summary>
    /// <exception cref="FedLoraException"><c>data-locked</c>, <c>data-unwritable</c>, <c>port-in-use</c>, <c>listen-invalid</c>, <c>listen-insecure</c>.</exception>
    public static async Task<CoordinatorHost> StartAsync(ServerOptions options, Action<ILoggingBuilder>? logging, CancellationToken cancellation)
    {
        var endpoint = options.Check();
        RequireFree(endpoint, options.Listen);
        var data = new DataFolder(options.Data);
        try
        {
            var web = Build(data, endpoint, logging);
            try
            {
                await web.StartAsync(cancellation);
                await ResumeAsync(web, cancellation);
            }
            catch (Exception error)
            {
                await web.DisposeAsync();
                if (IsAddressInUse(error))
                    throw PortInUse(options.Listen, error);
                throw;
            }
            var url = web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            AtomicFile.Write(data.UrlFile, System.Text.Encoding.ASCII.GetBytes(url + "\n"));
            web.Services.GetRequiredService<ILogger<CoordinatorHost>>().Listening(url, data.Root);
            return new CoordinatorHost(web, data, url);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    /// <summary>Stops in order: no new calls, grains write their state, the folder is free.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await application.StopAsync(limit.Token);
        await application.DisposeAsync();
        File.Delete(folder.UrlFile);
        folder.Dispose();
    }

    private static WebApplication Build(DataFolder data, System.Net.IPEndPoint endpoint, Action<ILoggingBuilder>? logging)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = data.Root });
        builder.Logging.ClearProviders();
        logging?.Invoke(builder.Logging);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http2);
            // Transfers are bounded by idle time in the services, not by size or rate here: a slow site is not a broken one.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        });
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(data);
        builder.Services.AddSingleton(OperatorToken.Ensure(data.Root));
        builder.Services.AddSingleton<Callers>();
        builder.Services.AddSingleton<PartStore>();
        builder.Services.AddSingleton<UpdateIntake>();
        builder.Services.AddGrpc(grpc => grpc.Interceptors.Add<RefusalInterceptor>());
        CoordinatorSilo.Add(builder, data.Root);
        var web = builder.Build();
        web.MapGrpcService<EnrolmentService>();
        web.MapGrpcService<NodeService>();
        web.MapGrpcService<AdminService>();
        return web;
    }

    // A federation whose round was open when the coordinator died goes on at once, not when the first node asks.
    private static Task ResumeAsync(WebApplication web, CancellationToken cancellation) => web.Services.GetRequiredService<FederationWatch>().LookAsync(cancellation);

    // Before anything starts that would have to be stopped again. Who takes the port after this is met at the start itself.
    private static void RequireFree(System.Net.IPEndPoint endpoint, string listen)
    {
        using var listener = new TcpListener(endpoint);
        try
        {
            listener.Start();
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.AddressAlreadyInUse)
        {
            throw PortInUse(listen, error);
        }
        catch (SocketException error)
        {
            throw new FedLoraException("listen-invalid", $"cannot listen on {listen}: {error.Message}", "choose another address with --listen", error);
        }
    }

    private static FedLoraException PortInUse(string listen, Exception error) =>
        new("port-in-use", $"cannot listen on {listen}: the port is in use", "stop what uses it, or choose another with --listen", error);

    private static bool IsAddressInUse(Exception error) => error is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
        || (error.InnerException is { } inner && IsAddressInUse(inner));
}
