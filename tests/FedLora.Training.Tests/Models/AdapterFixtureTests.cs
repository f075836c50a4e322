using System.Collections.Immutable;
using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
using FedLora.Training.Running;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Models;

/// <summary>PEFT's options, Fed-SB's factors, generation: each where a model's folder has a fixture for it.</summary>
[Trait("Category", "Fixtures")]
public sealed class AdapterFixtureTests
{
    public static TheoryData<string, string> Adapters => Pairs(name => Directory.Exists(Fixtures.PathOf("models", name, "adapters"))
        ? Directory.EnumerateDirectories(Fixtures.PathOf("models", name, "adapters")).Select(f => Path.GetFileName(f)!) : []);

    public static TheoryData<string> WithFedSb =>
        [.. ModelFixture.Names.Where(n => File.Exists(Fixtures.PathOf("models", n, "fed-sb.safetensors")))];

    public static TheoryData<string> WithGreedy
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (var name in ModelFixture.Names)
            {
                using var file = SafetensorsFile.Open(Fixtures.PathOf("models", name, "expected.safetensors"));
                if (file.Tensors.ContainsKey("base.greedy"))
                    data.Add(name);
            }
            return data;
        }
    }

    [FixtureTheory("models", "adapter_config.json")]
    [MemberData(nameof(Adapters))]
    public void Every_option_of_PEFT_gives_its_logits_or_is_refused_by_name(string name, string folder)
    {
        using var fixture = new ModelFixture(name);
        var path = Path.Combine(fixture.Folder, "adapters", folder);
        if (folder == "dora")
        {
            // Used (DoraTests), but by nothing that does not say that it heeds the lengths.
            var error = Assert.Throws<FedLoraException>(() => PeftFolder.Read(path));
            Assert.Contains("dora", error.Message, StringComparison.OrdinalIgnoreCase);
            return;
        }
        var adapter = PeftFolder.Read(path);
        var layout = fixture.Model.LayoutFor(adapter.Config);
        adapter.RequireFits(layout, folder);
        using var binding = new AdapterBinding(fixture.Transformer, adapter.State, layout);
        using var expected = SafetensorsFile.Open(Path.Combine(path, "expected.safetensors"));
        ModelFixture.AssertClose(expected.ReadFloats(expected.Tensors.Keys.Single(k => k.EndsWith("logits", StringComparison.Ordinal))),
            fixture.Logits(), folder);
        Assert.Equal(adapter.State.Hash, binding.Export().Hash);
    }

    [FixtureTheory("models", "fed-sb.safetensors")]
    [MemberData(nameof(WithFedSb))]
    public void Fed_SB_computes_with_R_between_its_factors_and_trains_R(string name)
    {
        using var fixture = new ModelFixture(name);
        using var file = SafetensorsFile.Open(Path.Combine(fixture.Folder, "fed-sb.safetensors"));
        var (state, layout) = FedSb(file);
        using var binding = new AdapterBinding(fixture.Transformer, state, layout);
        ModelFixture.AssertClose(file.ReadFloats("logits"), fixture.Logits(), "logits");
        using (var parameters = new ParameterSet(binding.Slots(Factors.R), CPU))
        {
            var step = new PlainStep(4096, null).Run(fixture.Transformer, parameters, fixture.Examples, default);
            ModelFixture.AssertClose(file.ReadFloats("loss"), [(float)step.Loss], "loss");
            foreach (var (slot, gradient) in parameters.Entries)
                ModelFixture.AssertClose(file.ReadFloats($"grad.{AdapterKey.Parse(slot.Name).Module}.R"), gradient.data<float>().ToArray(),
                    slot.Name);
        }
        binding.Merge();
        ModelFixture.AssertClose(file.ReadFloats("logits"), fixture.Logits(), "merged logits");
    }

    [FixtureTheory("models", "fed-sb.safetensors")]
    [MemberData(nameof(WithFedSb))]
    public void The_gradient_that_LoRA_SB_starts_from_is_the_references(string name)
    {
        using var fixture = new ModelFixture(name);
        using var file = SafetensorsFile.Open(Path.Combine(fixture.Folder, "fed-sb.safetensors"));
        var (_, layout) = FedSb(file);
        var gradients = new BaseGradients(fixture.Transformer, layout.Modules, fixture.Examples.Select(e => new[] { e }));
        foreach (var module in layout.Modules)
        {
            var actual = new float[module.DOut * module.DIn];
            gradients.Read(module, actual);
            ModelFixture.AssertClose(file.ReadFloats($"init.{module.Name}.gradient"), actual, module.Name);
        }
    }

    [FixtureTheory("models", "expected.safetensors")]
    [MemberData(nameof(WithGreedy))]
    public void Greedy_generation_gives_the_reference_tokens(string name)
    {
        using var fixture = new ModelFixture(name);
        var (prompt, expected) = (Array.ConvertAll(fixture.Values("greedy.prompt"), v => (int)v),
            Array.ConvertAll(fixture.Values("base.greedy"), v => (int)v));
        var made = TextGenerator.Run(fixture.Transformer, prompt,
            new GenerationSettings { MaxNewTokens = expected.Length - prompt.Length });
        Assert.Equal(expected, prompt.Concat(made));
        // Any of the end tokens ends it, before it is written.
        var fresh = expected[prompt.Length..];
        var ended = TextGenerator.Run(fixture.Transformer, prompt,
            new GenerationSettings { MaxNewTokens = fresh.Length, EndTokens = [fixture.Model.Architecture.Vocabulary, fresh[^1]] });
        Assert.Equal(fresh.TakeWhile(token => token != fresh[^1]), ended);
    }

    private static (AdapterState, AdapterLayout) FedSb(SafetensorsFile file)
    {
        var modules = file.Tensors.Keys.Where(k => k.EndsWith(".A", StringComparison.Ordinal)).Select(k => k[..^2]).ToArray();
        var tensors = modules.SelectMany(module => new[] { Factors.A, Factors.B, Factors.R }.Select(factor =>
            new AdapterTensor(new AdapterKey(module, factor).Name, file.Entry($"{module}.{factor}").IntShape(),
                file.ReadFloats($"{module}.{factor}"))));
        var rank = (int)file.Entry($"{modules[0]}.R").Shape[0];
        var layout = modules.Select(m => new AdapterModule(m, (int)file.Entry($"{m}.B").Shape[0], (int)file.Entry($"{m}.A").Shape[1]))
            .ToImmutableArray();
        return (new AdapterState(tensors), new AdapterLayout(layout, rank, rank, []));
    }

    private static TheoryData<string, string> Pairs(Func<string, IEnumerable<string>> of)
    {
        var data = new TheoryData<string, string>();
        foreach (var name in ModelFixture.Names)
        {
            foreach (var item in of(name).Order(StringComparer.Ordinal))
                data.Add(name, item);
        }
        return data;
    }
}
