using System.Text;
using FedLora.Tests;

namespace FedLora.Adapters.Tests;

/// <summary>What nodes and operators send, and what lies in folders that somebody else made.</summary>
public sealed class AdapterFuzzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-fuzz-").FullName;

    [Fact]
    public void Safetensors() => Mutations.Try("safetensors",
        [
            new AdapterState([new("base_model.model.l.0.q.lora_A.weight", [2, 3], [1, 2, 3, 4, 5, 6])]).ToBytes(),
            new AdapterState([new("a", [1], [1]), new("b", [2, 2], [1, 2, 3, 4]), new("c", [0], [])]).ToBytes(),
        ], 1_000_000, bytes => AdapterState.FromBytes(bytes));

    [Fact]
    public void Adapter_configurations()
    {
        File.WriteAllBytes(Path.Combine(_folder, "adapter_model.safetensors"), new AdapterState(
        [
            new("base_model.model.q.lora_A.weight", [2, 3], new float[6]), new("base_model.model.q.lora_B.weight", [3, 2], new float[6]),
        ]).ToBytes());
        Mutations.Try("adapter_config.json", [.. new[]
        {
            """{"peft_type":"LORA","r":2,"lora_alpha":8,"target_modules":["q"],"lora_dropout":0.1,"task_type":"CAUSAL_LM"}""",
            """
            {"peft_type":"LORA","r":4,"lora_alpha":8.5,"target_modules":"(?u)^q(_proj|x)?$","rank_pattern":{"q":2},"alpha_pattern":{"q":16},
            "modules_to_save":null,"use_rslora":true,"bias":"none","fan_in_fan_out":false,"inference_mode":true}
            """,
        }.Select(Encoding.UTF8.GetBytes)], 4_000_000, bytes =>
        {
            File.WriteAllBytes(Path.Combine(_folder, "adapter_config.json"), bytes);
            PeftFolder.Read(_folder);
        });
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
