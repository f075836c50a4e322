using FedLora.Federations.Definitions;

namespace FedLora.Federations.Tests.Rounds;

/// <summary>Small federations with all kinds of cohort rules.</summary>
internal static class WorldDefinition
{
    public static readonly string Fingerprint = new('a', 64);

    public static FederationDefinition Plain { get; } = new()
    {
        Name = "demo",
        BaseModel = new() { Fingerprint = Fingerprint, Name = "tiny" },
        Task = new() { Kind = LearningTask.Classification, Labels = ["ham", "spam"] },
        Method = "fedit",
        Lora = new() { Rank = 2, Alpha = 4 },
        Layout = new() { Modules = [new() { Name = "layer.query", DOut = 6, DIn = 5 }] },
        Rounds = 3,
        Cohort = new()
        {
            MinNodes = 2,
            Quorum = 1,
            Deadline = TimeSpan.FromMinutes(10),
            MaxRepeats = 1,
            SamplingTimeout = TimeSpan.FromHours(1),
        },
    };

    public static FederationDefinition Random(Random random) => Plain with
    {
        Rounds = random.Next(1, 5),
        MaxWeight = random.Next(3) * 5,
        Cohort = new()
        {
            Size = random.Next(3) == 0 ? random.Next(1, 4) : 0,
            Fraction = random.Next(3) == 0 ? random.NextDouble() : 0,
            OverSelect = random.Next(2) == 0 ? 1 : 1.5,
            Quorum = random.Next(2) == 0 ? random.Next(1, 3) : 0,
            MinNodes = random.Next(2) == 0 ? random.Next(1, 4) : 0,
            Wait = TimeSpan.FromSeconds(random.Next(2) * random.Next(1, 4000)),
            Deadline = TimeSpan.FromMinutes(random.Next(1, 60)),
            MaxRepeats = random.Next(4),
            SamplingTimeout = TimeSpan.FromMinutes(random.Next(1, 300)),
        },
    };
}
