using FedLora.Simulations.Scenarios;
using FedLora.Training.Data.Formats;

namespace FedLora.Simulations.Running;

/// <summary>Whether there is enough memory for a scenario, asked before anything is loaded.</summary>
internal static class Memory
{
    private const long PerNode = 512;
    private const long Program = 300L << 20;
    // float32 of a checkpoint of half the width, and a step's activations on top.
    private const int ModelFactor = 3;
    private const int TextFactor = 8;

    /// <summary>What this process may take, bytes.</summary>
    public static long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <exception cref="FedLoraException"><c>yaml-invalid</c>, with the line of what takes the most.</exception>
    public static void Require(ScenarioFile scenario, long available)
    {
        var model = Bytes(scenario.Federation.ModelFolder!, "*.safetensors") * ModelFactor;
        var data = (Size(scenario.Definition.Data.Train) + Size(scenario.Definition.Data.HeldOut)) * TextFactor;
        var nodes = scenario.Definition.Nodes * PerNode;
        var needed = Program + model + data + nodes;
        if (needed <= available)
            return;
        var (lines, key, what) = model >= data && model >= nodes ? (scenario.FederationLines, "base_model", "the base model")
            : data >= nodes ? (scenario.Lines, "data", "the examples") : (scenario.Lines, "nodes", "the nodes");
        throw lines.Error(key,
            $"the scenario needs about {needed >> 20} MiB of memory, most of it for {what}, and there are {available >> 20}");
    }

    private static long Bytes(string folder, string pattern) =>
        Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles(pattern).Sum(file => file.Length) : 0;

    private static long Size(string path) => Path.Exists(path) ? DataFormat.FilesOf(path).Sum(file => new FileInfo(file).Length) : 0;
}
