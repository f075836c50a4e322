using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using FedLora.Adapters;
using FedLora.Compression;
using FedLora.Federations.Definitions;
using FedLora.Protocol.V1;
using FedLora.Tests;
using Google.Protobuf.Reflection;
using FederationDefinition = FedLora.Federations.Definitions.FederationDefinition;
using LearningTask = FedLora.Federations.Definitions.LearningTask;
using Weighting = FedLora.Federations.Definitions.Weighting;

namespace FedLora.Federations.Tests;

/// <summary>
/// What is stored or sent, as files: a change of format is seen in review. FEDLORA_UPDATE_SNAPSHOTS=1 writes them anew; one that older
/// programs have written is kept beside, and must still open.
/// </summary>
public sealed class SnapshotTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };
    private static readonly string Folder = Path.Combine(Fixtures.Repository, "tests", "FedLora.Federations.Tests", "Snapshots");

    [Fact]
    public void The_definition_as_grains_store_it() => Require("definition.json", JsonSerializer.Serialize(Samples.Whole, Indented));

    [Fact]
    public void A_stored_definition_reads_back() =>
        Assert.Equal(JsonSerializer.Serialize(Samples.Whole),
            JsonSerializer.Serialize(
                JsonSerializer.Deserialize<FederationDefinition>(File.ReadAllText(Path.Combine(Folder, "definition.json")))));

    /// <summary>Written by commit 02401dd: enums as numbers, and settings that are gone.</summary>
    [Fact]
    public void A_definition_that_an_older_program_stored_opens()
    {
        var definition = JsonSerializer.Deserialize<FederationDefinition>(
            File.ReadAllText(Path.Combine(Folder, "definition-02401dd.json")))!;
        Assert.Equal((LearningTask.Classification, Weighting.Uniform), (definition.Task.Kind, definition.Weighting));
        Assert.Equal((150, 0.01, 10_000),
            (definition.Training.LocalSteps, definition.Training.WeightDecay, definition.Training.MaxUpdateNorm));
        Assert.Equal((TimeSpan.FromMinutes(1), TimeSpan.FromDays(1), 2),
            (definition.Cohort.Deadline, definition.Cohort.SamplingTimeout, definition.Cohort.MinNodes));
        Assert.Equal((4, 2), (definition.Layout.Modules.Count, definition.Layout.Head.Count));
        Assert.Equal((10, -1), (definition.Retention.UpdateRounds, definition.Retention.AdapterRounds));
        DefinitionRules.CheckWhole(definition);
    }

    [Fact]
    public void The_steps_of_all_rounds_are_a_number_that_does_not_wrap()
    {
        var training = Samples.Whole.Training with { LocalSteps = 1_000_000 };
        DefinitionRules.Check(Samples.Whole with { Rounds = 2147, Training = training });
        Assert.Contains("2148000000 in all",
            Assert.Throws<FedLoraException>(() => DefinitionRules.Check(Samples.Whole with { Rounds = 2148, Training = training })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_wire_contract()
    {
        var text = new StringBuilder();
        foreach (var file in new[]
        {
            BlobReflection.Descriptor,
            FederationReflection.Descriptor,
            EnrolmentReflection.Descriptor,
            NodeReflection.Descriptor,
            AdminReflection.Descriptor,
        })
        {
            text.Append($"{file.Name} {file.Package}\n");
            foreach (var service in file.Services)
            {
                foreach (var method in service.Methods)
                    text.Append(
                        $"  {service.Name}.{method.Name}({(method.IsClientStreaming ? "stream " : "")}{method.InputType.Name}) "
                            + $"{(method.IsServerStreaming ? "stream " : "")}{method.OutputType.Name}\n");
            }
            foreach (var values in file.EnumTypes)
                text.Append($"  enum {values.Name} {string.Join(' ', values.Values.Select(value => $"{value.Name}={value.Number}"))}\n");
            foreach (var message in file.MessageTypes)
                Describe(message);
        }
        Require("wire.txt", text.ToString());

        void Describe(MessageDescriptor message)
        {
            text.Append($"  message {message.FullName}\n");
            foreach (var field in message.Fields.InFieldNumberOrder())
            {
                var type = field.FieldType is FieldType.Message ? field.MessageType.FullName : field.FieldType is FieldType.Enum
                    ? field.EnumType.FullName : field.FieldType.ToString();
                var label = field.IsRepeated ? "repeated " : field.HasPresence && field.FieldType != FieldType.Message ? "optional " : "";
                text.Append(
                    $"    {field.FieldNumber} {field.Name} "
                        + $"{label}{type}{(field.RealContainingOneof is { } one ? $" of {one.Name}" : "")}\n");
            }
            foreach (var nested in message.NestedTypes)
                Describe(nested);
        }
    }

    [Fact]
    public void The_sparse_format()
    {
        var text = new StringBuilder();
        foreach (var (name, format) in ValueFormats.ByName.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            // Powers of two: no format rounds them.
            var bytes = SparseCodec.Encode(new SparseVector(64, [0, 3, 9, 63], [1f, -0.5f, 0.25f, 1f]), format,
                Enumerable.Range(0, 16).Select(i => (byte)i).ToArray(), 7);
            text.Append($"{name} {Convert.ToHexStringLower(bytes)}\n");
            Assert.Equal([0, 3, 9, 63],
                SparseCodec.Decode(bytes, 64, Enumerable.Range(0, 16).Select(i => (byte)i).ToArray()).Indices.ToArray());
        }
        Require("sparse.txt", text.ToString());
    }

    [Fact]
    public void An_adapter_folder()
    {
        var folder = Directory.CreateTempSubdirectory("fedlora-snapshot-");
        try
        {
            var layout = Samples.Whole.ToLayout();
            var state = new AdapterState(
                layout.Tensors(Factors.A | Factors.B | Factors.Head)
                    .Select(tensor => new AdapterTensor(tensor.Name, tensor.Shape, new float[AdapterTensor.Count(tensor.Shape)])));
            new PeftFolder(
                new PeftConfig
                {
                    Rank = 4,
                    Alpha = 16,
                    TargetModules = PeftModules.Of(["query"]),
                    ModulesToSave = ["classifier"],
                    TaskType = "SEQ_CLS",
                    BaseModel = "tiny",
                }, state).Write(folder.FullName);
            var text = new StringBuilder();
            foreach (var file in folder.EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
                text.Append($"== {file.Name}\n")
                    .Append(file.Extension == ".safetensors" ? Header(File.ReadAllBytes(file.FullName)) : File.ReadAllText(file.FullName))
                    .Append('\n');
            Require("adapter.txt", text.ToString());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Header(byte[] safetensors) => Encoding.UTF8.GetString(safetensors, 8, (int)BitConverter.ToInt64(safetensors));

    private static void Require(string name, string text, [CallerMemberName] string test = "")
    {
        var file = Path.Combine(Folder, name);
        if (Environment.GetEnvironmentVariable("FEDLORA_UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(file, text);
        Assert.True(File.ReadAllText(file).ReplaceLineEndings("\n") == text.ReplaceLineEndings("\n"),
            $"{test}: {name} is no longer what the program writes. If the change is meant, and what is stored or running still opens it, "
                + $"write the snapshot anew.");
    }
}
