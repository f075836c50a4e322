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

    /// <summary>
    /// A field that comes again is merged with what was there; of a oneof the reader copied all that was there each time, so that a message
    /// cost the square of its length, which may be four megabytes.
    /// </summary>
    [Fact]
    public void A_field_that_comes_again_and_again_costs_no_more_than_its_length()
    {
        byte[] unknown = [0x78, 1];
        var header = new byte[] { 0x0A, 2 }.Concat(unknown).ToArray();
        var labels = new byte[] { 0x0A, 3, 0x0A, 1, (byte)'a' };
        foreach (var (repeated, parse) in new (byte[], Action<byte[]>)[]
        {
            (header, bytes => Wire.UpdateMessage.Parser.ParseFrom(bytes)), (labels, bytes => Wire.LearningTask.Parser.ParseFrom(bytes)),
        })
        {
            var bytes = Enumerable.Repeat(repeated, 20_000).SelectMany(part => part).ToArray();
            var before = GC.GetAllocatedBytesForCurrentThread();
            parse(bytes);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200L * bytes.Length);
        }
    }

    // What gRPC itself answers for, before any of this program's code.
    private static bool IsNoMessage(Exception error) => error is InvalidProtocolBufferException;
}
