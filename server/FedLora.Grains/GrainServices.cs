using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace FedLora.Grains;

/// <summary>What the grains need besides a silo, an <see cref="IBlobStore"/> and a grain storage.</summary>
public static class GrainServices
{
    public static IServiceCollection AddFedLoraGrains(this IServiceCollection services) => services
        .AddSingleton<RoundAggregator>()
        .AddSingleton<RoundReplayer>()
        .AddSingleton<UpdateReceiver>()
        .AddSingleton<CoordinatorInstruments>()
        // The pure room does not know Orleans: what it defines goes between silos as the JSON in which it is stored.
        .AddSerializer(serializer => serializer.AddJsonSerializer(type => type.Assembly == typeof(FederationDefinition).Assembly));
}
