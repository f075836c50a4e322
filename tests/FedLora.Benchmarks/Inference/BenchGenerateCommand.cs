using System.CommandLine;
using FedLora.Benchmarks.Training;

namespace FedLora.Benchmarks.Inference;

/// <summary>
/// <c>fedlora bench generate</c>: tokens a second of the likeliest continuation, 64 tokens after 32, one text at a time.
/// </summary>
internal static class BenchGenerateCommand
{
    public static Command Create() => InferenceRace.Command("generate", "Speed of generation, one text at a time, beside eager PyTorch.",
        [new("smollm2-f32", TrainingCase.SmolLm2Prompt, "f32"), new("smollm2-bf16", TrainingCase.SmolLm2Prompt, "bf16")],
        _ => InferenceSubject.New);
}
