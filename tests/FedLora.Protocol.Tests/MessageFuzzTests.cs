using FedLora.Federations.Definitions;
using FedLora.Protocol.Mapping;
using FedLora.Tests;
using Google.Protobuf;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Protocol.Tests;

/// <summary>Messages as they come from the wire, and what is made of them.</summary>
public sealed class MessageFuzzTests
{
    [Fact]
    public void Definitions()
    {
        var definition = new Wire.FederationDefinition
        {
            Name = "test",
            Method = "fedit",
            MethodOptions = new Wire.MethodOptions(),
            Rounds = 3,
            Seed = 1,
            BaseModel = new Wire.BaseModel { Fingerprint = new string('a', 64), Name = "tiny" },
            Task = new Wire.LearningTask { Classification = new Wire.Classification { Labels = { "a", "b" } } },
            Lora = new Wire.LoraSettings { Rank = 2, Alpha = 4, TargetModules = { "q" } },
            Training = new Wire.TrainingSettings
            {
                LocalSteps = 1,
                BatchSize = 1,
                Optimizer = "adamw",
                LearningRate = 1e-3,
                MaxTokens = 16,
                Schedule = "constant",
                Dtype = "auto",
            },
            Privacy = new Wire.PrivacyTerms { Epsilon = 8, Delta = 1e-5, ClipNorm = 1, SamplingRate = 0.25 },
            Cohort = new Wire.CohortRules { Size = 2, MinNodes = 2, DeadlineSeconds = 600 },
            Layout = new Wire.AdapterLayout { Modules = { new Wire.LayoutModule { Name = "l.0.q", DOut = 6, DIn = 5 } } },
        };
        Mutations.Try("FederationDefinition", [definition.ToByteArray()], 4_000_000,
            bytes => DefinitionRules.CheckWhole(Wire.FederationDefinition.Parser.ParseFrom(bytes).ToModel()), IsNoMessage);
    }

    [Fact]
    public void Receipts() => Mutations.Try("PrivacyReceipt",
        [
            new Wire.PrivacyReceipt { DataSet = "d", EpsilonSpent = 1, EpsilonLimit = 8, Delta = 1e-5 }.ToByteArray(),
        ], 1_000_000, bytes => Wire.PrivacyReceipt.Parser.ParseFrom(bytes).ToModel(), IsNoMessage);

    // What gRPC itself answers for, before any of this program's code.
    private static bool IsNoMessage(Exception error) => error is InvalidProtocolBufferException;
}
