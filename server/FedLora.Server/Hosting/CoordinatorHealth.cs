using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FedLora.Server.Hosting;

/// <summary>Whether the coordinator can answer: its registry does, from its storage, in time. What <c>grpc.health.v1.Health</c> tells load balancers and systemd.</summary>
internal sealed class CoordinatorHealth(IGrainFactory grains) : IHealthCheck
{
    /// <summary>How long the registry may take.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var federations = await grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key).ListFederationsAsync(cancellationToken);
        return HealthCheckResult.Healthy($"{federations.Count} federations");
    }
}
