using FedLora.Adapters;
using FedLora.Training.Models;

namespace FedLora.Cli.Commands.Adapter;

/// <summary>
/// A model whose shape we know without its files, with the settings under which the Fed-SB paper counts (arXiv 2502.15436).
/// </summary>
/// <param name="Name">For <c>--model</c>.</param>
/// <param name="Targets">target_modules, or null for query and value.</param>
/// <param name="Nodes">K.</param>
/// <param name="SmallRanks">Fed-SB's ranks.</param>
internal sealed record KnownModel(string Name, string[]? Targets, int Nodes, int[] SmallRanks)
{
    public static IReadOnlyList<KnownModel> All { get; } =
    [
        new("mistral-7b", [PeftModules.AllLinear], 25, [120, 160, 200]),
        new("gemma-2-9b", [PeftModules.AllLinear], 25, [120, 160, 200]),
        new("llama-3.2-3b", [PeftModules.AllLinear], 5, [120, 160, 200]),
        new("bert-base-snli", null, 3, [32, 48, 64]),
    ];

    /// <summary>The model's shape.</summary>
    public Architecture Shape()
    {
        using var stream = typeof(KnownModel).Assembly.GetManifestResourceStream($"models/{Name}.json")!;
        return ModelFamily.ReadConfig(ConfigJson.Read(stream, Name), Name);
    }
}
