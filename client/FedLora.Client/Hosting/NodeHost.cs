using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Core.Audit;
using FedLora.Privacy;
using FedLora.Training.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FedLora.Client.Hosting;

/// <summary>A training node as a program of its own; tells systemd, where that started it, when it is ready.</summary>
public static class NodeHost
{
    /// <summary>Runs until cancelled, or until SIGTERM.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="configure">What the program adds: where its log goes, ...</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="FedLoraException">Options, model, data or state folder cannot be used, or the coordinator refuses this
    /// node.</exception>
    public static async Task RunAsync(ClientOptions options, Action<IHostApplicationBuilder> configure, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        configure(builder);
        builder.Services.AddSystemd();
        builder.Services.AddFedLoraNode(options);
        using var host = builder.Build();
        // In this order: a folder that another node holds, and an address that is none, are said before a model is read.
        _ = host.Services.GetRequiredService<NodeFolder>();
        _ = host.Services.GetRequiredService<CoordinatorAddress>();
        var enrolled = host.Services.GetRequiredService<ClientOptions>();
        var worker = host.Services.GetRequiredService<NodeWorker>();
        _ = host.Services.GetRequiredService<AuditLog>();
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(NodeHost));
        logger.Computes(Devices.Explain("auto"));
        if (DeltaAdvice.For(options.Policy.Delta, options.PublicCount, "that this site states") is { } advice)
            logger.DeltaTooLarge(advice);
        if (enrolled.Name != options.Name)
            logger.KeepsName(enrolled.Name, options.Name);
        await host.StartAsync(cancellationToken);
        await host.WaitForShutdownAsync(cancellationToken);
        try
        {
            await worker.ExecuteTask!;
        }
        catch (OperationCanceledException)
        {
            // How a node ends: its updates are on disk.
        }
    }
}
