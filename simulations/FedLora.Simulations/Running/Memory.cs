using FedLora.Simulations.Scenarios;
using FedLora.Training.Data.Formats;
using FedLora.Training.Memory;

namespace FedLora.Simulations.Running;

/// <summary>Whether there is enough memory for a scenario, asked before anything is loaded.</summary>
internal static class Memory
{
    private const long PerNode = 512;
    private const int TextFactor = 8;

    /// <summary>What this process may take, bytes.</summary>
    public static long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <exception cref="FedLoraException"><c>yaml-invalid</c>, with the line of what takes the most.</exception>
    public static void Require(ScenarioFile scenario, long available)
    {
        var model = Training(scenario);
        var data = (Size(scenario.Definition.Data.Train) + Size(scenario.Definition.Data.HeldOut)) * TextFactor;
        var nodes = scenario.Definition.Nodes * PerNode;
        var needed = model + data + nodes;
        if (needed <= available)
            return;
        var (lines, key, what) = model >= data && model >= nodes ? (scenario.FederationLines, "base_model", "the base model")
            : data >= nodes ? (scenario.Lines, "data", "the examples") : (scenario.Lines, "nodes", "the nodes");
        throw lines.Error(key,
            $"the scenario needs about {needed >> 20} MiB of memory, most of it for {what}, and there are {available >> 20}");
    }

    // The process, the base model and a pass of what trains at once, as at a node. What has no config is named by what reads it.
    private static long Training(ScenarioFile scenario)
    {
        var (definition, folder) = (scenario.Federation.Definition, scenario.Federation.ModelFolder!);
        return !File.Exists(Path.Combine(folder, "config.json")) ? MemoryEstimate.OfProgram
            : TaskMemory.Of(definition, folder, round: 1, definition.Lora.RankGroups.Values.Append(0).Max()).Total;
    }

    private static long Size(string path) => Path.Exists(path) ? DataFormat.FilesOf(path).Sum(file => new FileInfo(file).Length) : 0;
}
