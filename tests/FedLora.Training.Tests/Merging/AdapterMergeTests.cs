using System.Text.Json.Nodes;
using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Merging;
using FedLora.Training.Tests.Models;

namespace FedLora.Training.Tests.Merging;

/// <summary>A merged model computes what PEFT's merge of the same adapter does, and what base and adapter do side by side.</summary>
[Trait("Category", "Fixtures")]
public sealed class AdapterMergeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-merge-").FullName;

    public static TheoryData<string> Names => [.. ModelFixture.Names];

    public static TheoryData<string, string> Adapters => AdapterFixtureTests.Adapters;

    private string To => Path.Combine(_folder, "merged");

    [FixtureTheory("models", "expected.safetensors")]
    [MemberData(nameof(Names))]
    public void The_logits_are_those_of_PEFTs_merge(string name)
    {
        var model = Fixtures.PathOf("models", name);
        var result = AdapterMerge.Run(model, Path.Combine(model, "adapter"), To);
        Assert.False(result.Untied);
        Assert.Equal(["model.safetensors"], result.Files);
        using var merged = new ModelFixture(name, variant: To);
        ModelFixture.AssertClose(merged.Values("merged.logits"), merged.Logits(), "merged logits");
        Assert.Equal(File.ReadAllBytes(Path.Combine(model, "config.json")), File.ReadAllBytes(Path.Combine(To, "config.json")));
        // No tensor comes or goes, and only those that the adapter is for are another.
        using var before = SafetensorsFolder.Open(model);
        using var after = SafetensorsFolder.Open(To);
        Assert.Equal(before.Names.Order(StringComparer.Ordinal), after.Names.Order(StringComparer.Ordinal));
        var changed = before.Names.Count(tensor =>
            !before.FileOf(tensor).Bytes(tensor).SequenceEqual(after.FileOf(tensor).Bytes(tensor)));
        // A head that was saved as it was is among those that stay.
        Assert.InRange(changed, result.Modules, result.Modules + result.Replaced.Count);
    }

    [FixtureTheory("models", "adapter_config.json")]
    [MemberData(nameof(Adapters))]
    public void Every_option_of_PEFT_is_merged(string name, string adapter)
    {
        var (model, path) = (Fixtures.PathOf("models", name), Fixtures.PathOf("models", name, "adapters", adapter));
        AdapterMerge.Run(model, path, To);
        using var merged = new ModelFixture(name, variant: To);
        using var expected = SafetensorsFile.Open(Path.Combine(path, "expected.safetensors"));
        ModelFixture.AssertClose(expected.ReadFloats(expected.Tensors.Keys.Single(k => k.EndsWith("logits", StringComparison.Ordinal))),
            merged.Logits(), adapter);
    }

    [FixtureTheory("models", "model.safetensors.index.json")]
    [InlineData("sharded", null)]
    [InlineData("sharded", 40_000L)]
    [InlineData("", 40_000L)]
    [InlineData("sharded", 1_000_000_000L)]
    public void Files_are_the_base_models_or_of_the_size_asked_for(string variant, long? most)
    {
        var model = Fixtures.PathOf("models", "llama", variant);
        var result = AdapterMerge.Run(model, Fixtures.PathOf("models", "llama", "adapter"), To, most);
        var written = Directory.EnumerateFiles(To, "*.safetensors").Select(path => Path.GetFileName(path)!)
            .Order(StringComparer.Ordinal).ToList();
        Assert.Equal(written, result.Files);
        if (most is null)
            Assert.Equal(Directory.EnumerateFiles(model, "*.safetensors").Select(path => Path.GetFileName(path)!)
                .Order(StringComparer.Ordinal), written);
        else if (most == 1_000_000_000)
            Assert.Equal(["model.safetensors"], written);
        else
        {
            Assert.True(written.Count > 1);
            Assert.Equal($"model-00001-of-{written.Count:00000}.safetensors", written[0]);
            foreach (var file in written)
            {
                using var tensors = SafetensorsFile.Open(Path.Combine(To, file));
                Assert.True(tensors.Tensors.Count == 1 || tensors.Tensors.Values.Sum(tensor => tensor.ByteCount) <= most, file);
            }
        }
        var index = Path.Combine(To, "model.safetensors.index.json");
        Assert.Equal(written.Count > 1, File.Exists(index));
        if (written.Count > 1)
            Assert.Equal(result.Bytes, JsonNode.Parse(File.ReadAllText(index))!["metadata"]!["total_size"]!.GetValue<long>());
        // Opening it holds the index against the files, tensor by tensor.
        using var merged = new ModelFixture("llama", variant: To);
        ModelFixture.AssertClose(merged.Values("merged.logits"), merged.Logits(), "merged logits");
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("qwen2", "bf16", SafetensorsDtype.BF16, 8)]
    [InlineData("qwen2", "fp16", SafetensorsDtype.F16, 11)]
    public void A_type_is_kept_and_rounded_to_once(string name, string variant, SafetensorsDtype type, int bits)
    {
        var (model, path) = (Fixtures.PathOf("models", name, variant), Fixtures.PathOf("models", name, "adapter"));
        AdapterMerge.Run(model, path, To);
        var (adapter, layout) = (PeftFolder.Read(path), PeftFolder.Read(path).Layout());
        using var before = SafetensorsFolder.Open(model);
        using var after = SafetensorsFolder.Open(To);
        Assert.All(after.Names, tensor => Assert.Equal(type, after.Entry(tensor).Dtype));
        foreach (var module in layout.Modules)
        {
            var a = adapter.State[new AdapterKey(module.Name, Factors.A).Name];
            var b = adapter.State[new AdapterKey(module.Name, Factors.B).Name];
            var (old, merged) = (before.ReadFloats($"{module.Name}.weight"), after.ReadFloats($"{module.Name}.weight"));
            Assert.NotEqual(old, merged);
            for (var i = 0; i < old.Length; i++)
            {
                var (row, column) = (i / module.DIn, i % module.DIn);
                double exact = old[i];
                for (var r = 0; r < a.Rows; r++)
                    exact += layout.ScaleOf(module) * b.Values[(row * a.Rows) + r] * a.Values[(r * module.DIn) + column];
                // Half a unit in the last place, of which a subnormal half has fewer.
                var half = Math.Max(Math.ScaleB(Math.Abs(exact), -bits), type == SafetensorsDtype.F16 ? Math.ScaleB(1, -25) : 0);
                Assert.InRange(merged[i], exact - (half * 1.01), exact + (half * 1.01));
            }
        }
    }

    /// <summary>In float16 nothing above 65,504 is a number.</summary>
    [FixtureTheory("models", "model.safetensors")]
    [InlineData("qwen2", "fp16")]
    public void What_the_type_does_not_hold_is_refused_and_nothing_is_left(string name, string variant)
    {
        var adapter = PeftFolder.Read(Fixtures.PathOf("models", name, "adapter"));
        var huge = new AdapterState(adapter.State.Select(t => t with { Values = Array.ConvertAll(t.Values, v => v * 1e4f) }));
        (adapter with { State = huge }).Write(Path.Combine(_folder, "huge"));
        Assert.Equal("merge-not-finite", Assert.Throws<FedLoraException>(
            () => AdapterMerge.Run(Fixtures.PathOf("models", name, variant), Path.Combine(_folder, "huge"), To)).Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(To));
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void A_folder_that_holds_something_is_not_written_to(string name)
    {
        var model = Fixtures.PathOf("models", name);
        Assert.Equal("out-not-empty",
            Assert.Throws<FedLoraException>(() => AdapterMerge.Run(model, Path.Combine(model, "adapter"), model)).Code);
    }

    /// <summary>What a merge that was killed has left behind is nobody's, and keeps no second one away.</summary>
    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void A_merge_that_was_killed_can_be_begun_again(string name)
    {
        Directory.CreateDirectory(To);
        var left = Path.Combine(To, $".model.safetensors.{Guid.NewGuid():N}.tmp");
        File.WriteAllText(left, "half");
        AdapterMerge.Run(Fixtures.PathOf("models", name), Fixtures.PathOf("models", name, "adapter"), To);
        Assert.False(File.Exists(left));
        Assert.Empty(Directory.EnumerateFiles(To, ".*"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
