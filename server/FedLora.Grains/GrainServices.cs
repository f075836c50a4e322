using Microsoft.Extensions.DependencyInjection;

namespace FedLora.Grains;

/// <summary>What the grains need besides a silo, an <see cref="IBlobStore"/> and a grain storage.</summary>
public static class GrainServices
{
    public static IServiceCollection AddFedLoraGrains(this IServiceCollection services) => services
        .AddSingleton<RoundAggregator>()
        .AddSingleton<RoundReplayer>()
        .AddSingleton<UpdateReceiver>()
        .AddSingleton<CoordinatorInstruments>();
}
