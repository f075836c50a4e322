using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Grains.Tests;

/// <summary>A small federation and updates for it.</summary>
internal static class Samples
{
    public const string Fingerprint = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    public static FederationDefinition Definition { get; } = new()
    {
        Name = "demo",
        BaseModel = new() { Fingerprint = Fingerprint, Name = "tiny" },
        Task = new() { Kind = LearningTask.Classification, Labels = ["ham", "spam"] },
        Method = "fedit",
        Lora = new() { Rank = 2, Alpha = 4, TargetModules = ["query", "value"] },
        Layout = new()
        {
            Modules = new ModuleSpec[]
            {
                new() { Name = "layer.query", DOut = 6, DIn = 5 },
                new() { Name = "layer.value", DOut = 4, DIn = 5 },
            },
            Head = new HeadSpec[] { new() { Name = "base_model.model.classifier.weight", Shape = [2, 6] } },
        },
        Training = new() { LocalSteps = 16 },
        Rounds = 3,
        Cohort = new()
        {
            MinNodes = 3,
            Quorum = 2,
            Deadline = TimeSpan.FromMinutes(10),
            MaxRepeats = 1,
            SamplingTimeout = TimeSpan.FromHours(1),
        },
    };

    /// <summary>All that a fedit node sends, filled from a seed.</summary>
    public static AdapterState Update(int seed)
    {
        var random = new Random(seed);
        return new(Definition.ToLayout().Tensors(Factors.A | Factors.B | Factors.Head)
            .Select(
                tensor => new AdapterTensor(tensor.Name, tensor.Shape,
                    [.. Enumerable.Range(0, AdapterTensor.Count(tensor.Shape)).Select(_ => (float)((random.NextDouble() * 2) - 1))])));
    }

    /// <summary>The method's own aggregate of updates in memory, without any of the coordinator's machinery.</summary>
    public static string Expected(AdapterState global, int round, params (string Node, long Examples, int Seed)[] updates) =>
        Methods.Get("fedit").Aggregate(
            global,
            new UpdateSet(updates.Select(update => new MemoryUpdate(update.Node, update.Examples, Update(update.Seed)))),
            new(Definition.ToLayout(), Definition.ToMethodOptions(), round, Definition.Seed),
            default).Global.Hash;
}
