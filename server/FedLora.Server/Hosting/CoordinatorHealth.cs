using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Orleans.Providers;
using Orleans.Storage;

namespace FedLora.Server.Hosting;

/// <summary>
/// Whether the coordinator can answer: its registry does, and its storage gives the registry's row, in time. What
/// <c>grpc.health.v1.Health</c> and <c>/readyz</c> tell.
/// </summary>
internal sealed class CoordinatorHealth(
    IGrainFactory grains, [FromKeyedServices(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME)] IGrainStorage storage) : IHealthCheck
{
    /// <summary>How long the registry may take.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var registry = grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);
        var federations = await registry.ListFederationsAsync(cancellationToken);
        // The registry has them in memory: whether they can still be read and written, only the storage can tell.
        await storage.ReadStateAsync("registry", registry.GetGrainId(), new GrainState<RegistryRecord>()).WaitAsync(cancellationToken);
        return HealthCheckResult.Healthy($"{federations.Count} federations");
    }
}
