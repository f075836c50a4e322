using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Cloning;

namespace FedLora.Grains;

/// <summary>What the grains need besides a silo, an <see cref="IBlobStore"/> and a grain storage.</summary>
public static class GrainServices
{
    public static IServiceCollection AddFedLoraGrains(this IServiceCollection services) => services
        .AddSingleton<RoundAggregator>()
        .AddSingleton<RoundReplayer>()
        .AddSingleton<RoundNodes>()
        .AddSingleton<UpdateReceiver>()
        .AddSingleton<UpdateRecorder>()
        .AddSingleton<FederationCreator>()
        .AddSingleton<NodeBudgets>()
        .AddSingleton<BudgetVerdicts>()
        .AddSingleton<FederationWatch>()
        .AddSingleton<CoordinatorDeaths>()
        .AddSingleton<CalibrateRows>(PrivacyPlanner.Rows)
        .AddSingleton<CoordinatorInstruments>()
        // The pure room does not know Orleans: what it defines goes between silos as the JSON in which it is stored.
        .AddSingleton<IGeneralizedCopier, ImmutableModels>()
        .AddSerializer(serializer => serializer.AddJsonSerializer(ImmutableModels.IsModel, StoredJson.Options));
}
