using System.Text.Json;

namespace FedLora.Simulations.Pretraining;

/// <summary>How a pre-training run is set up.</summary>
/// <param name="Steps">Optimiser steps on masked tokens alone.</param>
/// <param name="BatchSize">Windows per step.</param>
/// <param name="LearningRate">The highest rate. So small a batch wants a small one: with 1e-3 the loss stood still until the rate had
/// fallen.</param>
/// <param name="WarmUpSteps">Steps until the highest rate; then it falls to zero in a straight line.</param>
/// <param name="MaskedShare">Share of the tokens that is to be told, above 0 and below 1.</param>
/// <param name="Seed">Decides start, draws and masks.</param>
/// <param name="SummarySteps">Steps after these in which the first token learns to sum up its window as well; a rise and fall of the rate
/// of their own.</param>
public sealed record PretrainingSettings(
    int Steps, int BatchSize = 16, double LearningRate = 4e-4, int WarmUpSteps = 200, double MaskedShare = 0.15, int Seed = 1,
    int SummarySteps = 0)
{
    /// <summary>Words of its window that the first token shall tell, drawn anew for every step.</summary>
    public const int SummaryWords = 8;

    /// <summary>Decoupled weight decay.</summary>
    public const double WeightDecay = 0.01;

    /// <summary>How slowly AdamW forgets squared gradients; short runs want less than the usual 0.999.</summary>
    public const double Beta2 = 0.98;

    /// <summary>The gradient is scaled down to this norm.</summary>
    public const double MaxGradientNorm = 1;
}

/// <summary>A point of the loss curve.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Mean loss (natural logarithm) of the masked tokens, and of the words of the summary in its steps, since the point
/// before.</param>
/// <param name="Tokens">Tokens seen so far.</param>
/// <param name="Seconds">Time taken so far.</param>
public sealed record LossPoint(int Step, double Loss, long Tokens, double Seconds);

/// <summary>What a run needs to go on, beside the weights; kept as <c>pretraining.json</c> in the model's folder.</summary>
public sealed record PretrainingState(PretrainingSettings Settings, IReadOnlyList<LossPoint> Curve)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>Steps done.</summary>
    public int Step => Curve.Count == 0 ? 0 : Curve[^1].Step;

    /// <summary>Reads the state of a folder; null where there is none.</summary>
    public static PretrainingState? Load(string folder)
    {
        var path = PathIn(folder);
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonSerializer.Deserialize<PretrainingState>(File.ReadAllText(path), Options);
        }
        catch (JsonException e)
        {
            throw new FedLoraException("pretraining-state-invalid", $"{path} is not what a pre-training run writes: {e.Message}",
                "Choose an empty folder to start anew.", e);
        }
    }

    /// <summary>Writes the state.</summary>
    public void Save(string folder) => AtomicFile.Write(PathIn(folder), JsonSerializer.Serialize(this, Options) + "\n");

    private static string PathIn(string folder) => Path.Combine(folder, "pretraining.json");
}
