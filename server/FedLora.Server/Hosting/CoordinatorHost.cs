using System.Net.Sockets;
using FedLora.Server.Frontends;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Hosting;

/// <summary>A coordinator in this process: data folder, silo, stores and gRPC services, from start to stop.</summary>
public sealed class CoordinatorHost : IAsyncDisposable
{
    private readonly WebApplication _web;

    private CoordinatorHost(WebApplication web) => _web = web;

    /// <summary>Where it listens, with the port it really has.</summary>
    public string Url => _web.Services.GetRequiredService<IServer>().Url();

    /// <summary>Where people look at it; null where it serves no pages.</summary>
    public string? PagesUrl => _web.Services.GetService<ICoordinatorPages>()?.Url;

    /// <summary>Starts a coordinator; when this returns it answers.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="configure">What the program adds: where its log goes, ...</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="FedLoraException"><c>data-locked</c>, <c>data-unwritable</c>, <c>port-in-use</c>, <c>listen-invalid</c>,
    /// <c>listen-insecure</c>, <c>postgres-unreachable</c>, <c>cluster-other</c>, <c>cluster-away</c>, ...</exception>
    public static async Task<CoordinatorHost> StartAsync(ServerOptions options, Action<IHostApplicationBuilder>? configure,
        CancellationToken cancellationToken)
    {
        RequireFree(options.EndPoint(), options.Listen);
        _ = options.SiloEndPoint();
        var web = Build(options, configure);
        try
        {
            ReadyFolder.Require(web.Services);
            var starting = web.StartAsync(cancellationToken);
            if (await Task.WhenAny(starting, FailureOf(web)) != starting)
                throw await FailureOf(web);
            await starting;
            return new CoordinatorHost(web);
        }
        catch (Exception error)
        {
            await web.DisposeAsync();
            if (IsAddressInUse(error))
                throw PortInUse(options.Listen, error);
            // That of a client which has found no silo.
            if (options.Frontend && error is OrleansException)
                throw new FedLoraException("cluster-away",
                    $"no coordinator of the cluster was there within {ClusterPatience.Longest.TotalSeconds:0} s",
                    "start one, 'fedlora server --data DIR --postgres CONN' without --frontend; its gateway must be reachable from here",
                    error);
            throw;
        }
    }

    /// <summary>Waits until it is to end: cancelled, by SIGTERM, or since a part of it has failed and its host stops.</summary>
    /// <exception cref="FedLoraException"><c>coordinator-failed</c>: a part of it has failed;
    /// <c>coordinator-declared-dead</c>.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var asked = cancellationToken.Register(() => ended.TrySetResult());
        await using var stopping = _web.Lifetime.ApplicationStopping.Register(() => ended.TrySetResult());
        await ended.Task;
        if (FailureOf(_web) is { IsCompletedSuccessfully: true } failure)
            throw await failure;
        var failed = _web.Services.GetServices<IHostedService>().OfType<BackgroundService>()
            .FirstOrDefault(part => part.ExecuteTask is { IsFaulted: true });
        if (failed is not null && !cancellationToken.IsCancellationRequested)
        {
            var error = failed.ExecuteTask!.Exception!.GetBaseException();
            throw new FedLoraException("coordinator-failed", $"the coordinator has stopped, since its {failed.GetType().Name} failed: "
                + error.Message.ReplaceLineEndings(" "), "its log says more; nothing that was acknowledged is lost: start it again", error);
        }
    }

    /// <summary>
    /// Stops in order: no new calls, grains write their state, the folder is free. One that was declared dead stops at once: its grains are
    /// elsewhere.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(FailureOf(_web).IsCompleted ? TimeSpan.Zero : TimeSpan.FromSeconds(10));
        await _web.StopAsync(limit.Token);
        await _web.DisposeAsync();
    }

    private static Task<FedLoraException> FailureOf(WebApplication web) =>
        web.Services.GetService<SiloFailure>()?.Why ?? new TaskCompletionSource<FedLoraException>().Task;

    private static WebApplication Build(ServerOptions options, Action<IHostApplicationBuilder>? configure)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        configure?.Invoke(builder);
        builder.Services.AddSystemd();
        builder.AddFedLoraCoordinator(server =>
        {
            (server.Data, server.Listen, server.Certificate, server.CertificateKey) = (options.Data, options.Listen, options.Certificate,
                options.CertificateKey);
            (server.Postgres, server.Silo, server.Gateway, server.Frontend) = (options.Postgres, options.Silo, options.Gateway,
                options.Frontend);
        });
        return builder.Build().MapFedLoraCoordinator();
    }

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
            throw new FedLoraException("listen-invalid", $"cannot listen on {listen}: {error.Message}",
                "choose another address with --listen", error);
        }
    }

    private static FedLoraException PortInUse(string listen, Exception error) =>
        new("port-in-use", $"cannot listen on {listen}: the port is in use", "stop what uses it, or choose another with --listen", error);

    private static bool IsAddressInUse(Exception error) =>
        error is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
            || (error.InnerException is { } inner && IsAddressInUse(inner));
}
