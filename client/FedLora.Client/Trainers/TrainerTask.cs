using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Training.Data;
using FedLora.Training.Running;

namespace FedLora.Client.Trainers;

/// <summary>What a site's own trainer is told: <c>task.json</c> in its folder. The page docs/trainer.md is its contract; a change of
/// meaning raises <see cref="Version"/>.</summary>
internal sealed record TrainerTask
{
    /// <summary>Version of the protocol.</summary>
    public const int Version = 1;

    public const string FileName = "task.json";
    public const string AdapterFolder = "adapter";
    public const string DataFileName = "data.jsonl";
    public const string ResultFolder = "result";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    public int Protocol { get; } = Version;

    public required string Federation { get; init; }

    public required uint Round { get; init; }

    public required string Method { get; init; }

    /// <summary>Kinds of tensors to train: A, B, head.</summary>
    public required IReadOnlyList<string> Trained { get; init; }

    /// <summary>causal-lm or classification.</summary>
    public required string Task { get; init; }

    public required IReadOnlyList<string> Labels { get; init; }

    public required string Model { get; init; }

    public required string Adapter { get; init; }

    public required string Data { get; init; }

    public required string Result { get; init; }

    public required int Rank { get; init; }

    public required double Alpha { get; init; }

    public required double Dropout { get; init; }

    public required int MaxTokens { get; init; }

    public required ulong Seed { get; init; }

    public required int Steps { get; init; }

    public required int BatchSize { get; init; }

    public required double LearningRate { get; init; }

    /// <summary>adamw (0.9, 0.999, 1e-8, decoupled decay) or sgd.</summary>
    public required string Optimizer { get; init; }

    public required double WeightDecay { get; init; }

    public required double? MaxGradientNorm { get; init; }

    public required double DeadlineSeconds { get; init; }

    /// <summary>The lines of the data, from 0, that FedLora's own trainer would take in each step.</summary>
    public required IReadOnlyList<int[]> Batches { get; init; }

    /// <summary>Writes the whole folder.</summary>
    /// <param name="folder">Empty.</param>
    /// <param name="start">The adapter to begin with.</param>
    /// <param name="peft">Its settings.</param>
    /// <param name="set">The examples, and the records that they were made of.</param>
    public void Write(string folder, NodeStart start, PeftConfig peft, DataSet set)
    {
        var layout = start.Layout;
        var config = peft with { Rank = layout.Rank, Alpha = layout.Alpha };
        new PeftFolder(config.WithPatternsOf(layout), start.Adapter.Only(Factors.A | Factors.B | Factors.Head))
            .Write(Path.Combine(folder, AdapterFolder));
        AtomicFile.WriteAll(folder, (DataFileName, stream => WriteData(stream, set)),
            (FileName, stream => JsonSerializer.Serialize(stream, this, Options)));
    }

    /// <summary>The settings as a trainer takes them.</summary>
    public static TrainerTask Of(RoundTerms terms, TrainingSpec training, ulong seed, int examples) => new()
    {
        Federation = terms.Definition.Name,
        Round = (uint)terms.Round,
        Method = terms.Definition.Method,
        Trained = [.. new[] { (Factors.A, "A"), (Factors.B, "B"), (Factors.Head, "head") }
            .Where(factor => terms.Trained.HasFlag(factor.Item1) && terms.Start.Adapter.Only(factor.Item1).Count > 0)
                .Select(factor => factor.Item2)],
        Task = terms.Definition.Task.Kind == LearningTask.Classification ? "classification" : "causal-lm",
        Labels = [.. terms.Definition.Task.Labels],
        Model = Path.GetFullPath(terms.Model),
        Adapter = Path.Combine(terms.Folder, AdapterFolder),
        Data = Path.Combine(terms.Folder, DataFileName),
        Result = Path.Combine(terms.Folder, ResultFolder),
        Rank = terms.Start.Layout.Rank,
        Alpha = terms.Start.Layout.Alpha,
        Dropout = terms.Definition.Lora.Dropout,
        MaxTokens = training.MaxTokens,
        Seed = seed,
        Steps = training.LocalSteps,
        BatchSize = training.BatchSize,
        LearningRate = training.LearningRate,
        Optimizer = training.Optimizer,
        WeightDecay = training.WeightDecay,
        MaxGradientNorm = training.MaxGradNorm is > 0 and var norm ? norm : null,
        DeadlineSeconds = terms.Left.TotalSeconds,
        Batches = BatchesOf(training, seed, examples),
    };

    private static int[][] BatchesOf(TrainingSpec training, ulong seed, int examples)
    {
        var sampler = new ShuffledSampler(examples, training.BatchSize, seed);
        return [.. Enumerable.Range(0, training.LocalSteps).Select(_ => sampler.Next())];
    }

    private static void WriteData(Stream stream, DataSet set)
    {
        foreach (var (example, record) in set.Examples.Zip(set.Records))
        {
            JsonSerializer.Serialize(stream, new
            {
                record.Prompt,
                Text = record.Conversation is null && record.Prompt is null && record.Image is null ? record.Text
                    : null,
                record.Image,
                Completion = record.Prompt is null ? null : record.Text,
                record.Conversation?.Messages,
                record.Conversation?.Tools,
                Label = record.Class is null ? null : record.Label,
                record.Class,
                InputIds = record.Image is null ? example.Tokens : null,
                example.TokenTypes,
                example.Labels,
            }, Line);
            stream.WriteByte((byte)'\n');
        }
    }

    private static readonly JsonSerializerOptions Line = new(Options) { WriteIndented = false };
}

/// <summary>What a round's task is made of.</summary>
/// <param name="Definition">The federation.</param>
/// <param name="Round">From 1.</param>
/// <param name="Trained">Which factors the method trains.</param>
/// <param name="Start">What they start from.</param>
/// <param name="Model">The base model's folder.</param>
/// <param name="Folder">The task's own folder.</param>
/// <param name="Left">Time until the round's deadline.</param>
internal sealed record RoundTerms(FederationDefinition Definition, int Round, Factors Trained, NodeStart Start, string Model, string Folder,
    TimeSpan Left);
