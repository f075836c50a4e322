using System.Text.Json;
using FedLora.Client.Hosting;
using FedLora.Client.Trainers;
using FedLora.Protocol.V1;
using FedLora.Simulations.Pretraining;

namespace FedLora.Server.Tests;

/// <summary>A base model of a few thousand weights, three sites' data, held-out data and public data; made once for all tests.</summary>
public sealed class TinySites : IDisposable
{
    private static readonly string[] Spam = ["win", "money", "now", "cheap", "offer", "click"];
    private static readonly string[] Ham = ["the", "meeting", "is", "on", "monday", "office"];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-tiny-");

    public TinySites()
    {
        var corpus = new CorpusSource("words",
            [string.Join(' ', Spam), string.Join(' ', Ham), string.Join(' ', Spam.Zip(Ham, (a, b) => $"{a} {b}"))], 1,
            KeepBeginnings: true);
        new Pretrainer()
            .Run(Model, [corpus], new EncoderShape(Vocabulary: 100, Layers: 2, Width: 16, Heads: 2, Inner: 32, MaxLength: 16),
                new PretrainingSettings(Steps: 1, BatchSize: 2), null, CancellationToken.None);
        for (var site = 0; site < 3; site++)
            Write(DataOf(site), seed: site + 1, 12 + (4 * site));
        Write(HeldOut, seed: 9, 24);
        Write(Public, seed: 10, 16);
    }

    internal string Model => Path.Combine(_folder.FullName, "model");

    internal string HeldOut => Path.Combine(_folder.FullName, "held-out.jsonl");

    internal string Public => Path.Combine(_folder.FullName, "public.jsonl");

    /// <summary>Three rounds of three steps at rank 4.</summary>
    internal static FederationDefinition Define(string method) => new()
    {
        Name = "test",
        Method = method,
        MethodOptions = new MethodOptions(),
        Rounds = 3,
        Seed = 5,
        Task = new LearningTask { Classification = new Classification { Labels = { "ham", "spam" } } },
        Lora = new LoraSettings { Rank = 4, Alpha = 8, TargetModules = { "query", "value" } },
        Training = new TrainingSettings
        {
            LocalSteps = 3,
            BatchSize = 4,
            Optimizer = "adamw",
            LearningRate = 1e-2,
            MaxTokens = 12,
            Schedule = "constant",
            Dtype = "f32",
        },
        Cohort = new CohortRules { Size = 3, MinNodes = 3, DeadlineSeconds = 300 },
        Communication = new Communication(),
    };

    /// <summary>The real training engine on a site's data.</summary>
    internal RoundTrainer Trainer(int site, string group) => RoundTrainer.Create(
        new ClientOptions
        {
            Coordinator = "",
            Data = DataOf(site),
            Model = Model,
            State = _folder.CreateSubdirectory(Path.GetRandomFileName()).FullName,
            Name = $"site-{site}",
            Group = group,
        });

    public void Dispose() => _folder.Delete(recursive: true);

    internal string DataOf(int site) => Path.Combine(_folder.FullName, $"site-{site}.jsonl");

    private static void Write(string path, int seed, int lines)
    {
        var random = new Random(seed);
        File.WriteAllLines(path, Enumerable.Range(0, lines).Select(i =>
            JsonSerializer.Serialize(
                new { text = string.Join(' ', random.GetItems(i % 2 == 0 ? Spam : Ham, 6)), label = i % 2 == 0 ? "spam" : "ham" })));
    }
}
