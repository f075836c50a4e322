using System.CommandLine;
using FedLora.Benchmarks.Training;

namespace FedLora.Benchmarks.Inference;

/// <summary>
/// <c>fedlora bench evaluate</c>: tokens a second of evaluation, loss and likeliest token of every label, on texts as long as e-mails are.
/// </summary>
internal static class BenchEvaluateCommand
{
    public static Command Create() => InferenceRace.Command("evaluate",
        "Speed of evaluation on texts of uneven length, beside eager PyTorch.",
        [
            new("minilm-f32", TrainingCase.MiniLmMails, "f32"), new("minilm-bf16", TrainingCase.MiniLmMails, "bf16"),
            new("smollm2-f32", TrainingCase.SmolLm2Mails, "f32"), new("smollm2-bf16", TrainingCase.SmolLm2Mails, "bf16"),
        ], job => job.Tokens);
}
