using FedLora.Adapters;
using FedLora.Federations.Definitions;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Lora;
using FedLora.Training.Running;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Models;

[Trait("Category", "Fixtures")]
public sealed class ModelFixtureTests
{
    private const string Kind = "models";
    private const string File = "expected.safetensors";

    public static TheoryData<string> Names => [.. ModelFixture.Names];

    public static TheoryData<string, string> Configs
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var name in ModelFixture.Names)
            {
                foreach (var path in Directory.EnumerateFiles(Fixtures.PathOf(Kind, name), "config*.json"))
                    data.Add(name, Path.GetFileName(path));
            }
            return data;
        }
    }

    public static TheoryData<string, string> Variants
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var name in ModelFixture.Names)
            {
                foreach (var folder in Directory.EnumerateDirectories(Fixtures.PathOf(Kind, name))
                    .Where(f => System.IO.File.Exists(Path.Combine(f, "config.json"))))
                    data.Add(name, Path.GetFileName(folder));
            }
            return data;
        }
    }

    [FixtureTheory(Kind, File)]
    [MemberData(nameof(Configs))]
    public void The_base_model_gives_the_reference_logits_and_loss(string name, string config)
    {
        using var fixture = new ModelFixture(name, config);
        ModelFixture.AssertClose(fixture.Values("base.logits"), fixture.Logits(), "base.logits");
        ModelFixture.AssertClose(fixture.Values("base.loss"), [(float)fixture.Loss().Loss], "base.loss");
    }

    [FixtureTheory(Kind, File)]
    [MemberData(nameof(Variants))]
    public void Shards_and_other_number_types_hold_the_same_model(string name, string variant)
    {
        using var fixture = new ModelFixture(name, variant: variant);
        // Halved precision of the stored weights, not of the computation: 8 bits of mantissa for bfloat16, 11 for float16.
        var tolerance = variant.Contains("bf16", StringComparison.Ordinal) ? 0.05 : variant.Contains("fp16", StringComparison.Ordinal)
            ? 0.01 : ModelFixture.Tolerance;
        ModelFixture.AssertClose(fixture.Values("base.logits"), fixture.Logits(), variant, tolerance);
    }

    [FixtureTheory(Kind, File)]
    [MemberData(nameof(Names))]
    public void An_adapter_beside_the_weights_and_merged_into_them_gives_the_reference_logits(string name)
    {
        using var fixture = new ModelFixture(name);
        using var binding = Bind(fixture, "adapter");
        ModelFixture.AssertClose(fixture.Values("adapter.logits"), fixture.Logits(), "adapter.logits");
        var (loss, each) = fixture.Loss();
        ModelFixture.AssertClose(fixture.Values("adapter.loss"), [(float)loss], "adapter.loss");
        ModelFixture.AssertClose(fixture.Values("example.loss"), each, "example.loss");
        binding.Merge();
        ModelFixture.AssertClose(fixture.Values("merged.logits"), fixture.Logits(), "merged.logits");
    }

    [FixtureTheory(Kind, File)]
    [MemberData(nameof(Names))]
    public void Taking_an_adapter_off_gives_the_base_model_back(string name)
    {
        using var fixture = new ModelFixture(name);
        var before = fixture.Logits(dropPadding: false);
        Bind(fixture, "adapter").Dispose();
        Assert.Equal(before, fixture.Logits(dropPadding: false));
    }

    [FixtureTheory(Kind, File)]
    [MemberData(nameof(Names))]
    public void Gradients_are_the_references_whatever_fits_into_memory_at_once(string name)
    {
        foreach (var rowsAtOnce in new[] { 4096, 20 })
        {
            using var fixture = new ModelFixture(name);
            using var binding = Bind(fixture, "adapter");
            using var parameters = new ParameterSet(binding.Slots(Factors.A | Factors.B | Factors.Head), CPU);
            var step = new PlainStep(rowsAtOnce, null).Run(fixture.Transformer, parameters, fixture.Examples, default);
            ModelFixture.AssertClose(fixture.Values("adapter.loss"), [(float)step.Loss], "adapter.loss");
            Assert.Equal(fixture.Expected.Tensors.Keys.Count(k => k.StartsWith("grad.", StringComparison.Ordinal)),
                parameters.Entries.Count);
            foreach (var (slot, gradient) in parameters.Entries)
                ModelFixture.AssertClose(fixture.Values($"grad.{slot.Name}"), gradient.data<float>().ToArray(),
                    $"grad.{slot.Name}, {rowsAtOnce} rows at once");
        }
    }

    [FixtureTheory(Kind, File)]
    [MemberData(nameof(Names))]
    public void Five_steps_of_SGD_and_of_AdamW_end_where_PyTorch_ends(string name)
    {
        foreach (var (kind, training) in new[]
        {
            ("sgd", new TrainingSpec { LocalSteps = 5, BatchSize = 1000, LearningRate = 0.1, Optimizer = "sgd", WeightDecay = 0 }),
            ("adamw", new TrainingSpec { LocalSteps = 5, BatchSize = 1000, LearningRate = 1e-2, WeightDecay = 0.01 }),
        })
        {
            using var fixture = new ModelFixture(name);
            using var binding = Bind(fixture, "adapter");
            using var parameters = new ParameterSet(binding.Slots(Factors.A | Factors.B | Factors.Head), CPU);
            var slack = kind == "adamw" ? FirstStepOfAdamW(fixture, training.LearningRate) : 0;
            var summary = new Trainer().Run(fixture.Transformer, parameters, fixture.Examples, training, seed: 0);
            ModelFixture.AssertClose(fixture.Values($"train.{kind}.loss"), [.. summary.Losses.Select(l => (float)l)], $"{kind} losses");
            foreach (var tensor in parameters.Export())
            {
                var expected = fixture.Values($"train.{kind}.{tensor.Name}");
                ModelFixture.AssertClose(expected, tensor.Values, $"{kind} {tensor.Name}",
                    ModelFixture.Tolerance + (slack / expected.Max(Math.Abs)));
            }
        }
    }

    /// <summary>
    /// What AdamW's first step, rate g / (|g| + eps), makes of the rounding d of a gradient: the sum over all entries of rate eps d / (|g|
    /// + eps)^2, with d two units of float32 of the tensor's largest entry. It is nothing but where an entry almost cancels: in bert-mlm
    /// one of 0.055 at most is -9.71e-8 in float64, -1.02e-7 in PyTorch's float32; thus PyTorch's own five steps end 8e-5 of the largest
    /// entry from those in float64.
    /// </summary>
    private static double FirstStepOfAdamW(ModelFixture fixture, double rate)
    {
        const double Epsilon = 1e-8, Units = 1.0 / (1 << 22);
        return fixture.Expected.Tensors.Keys.Where(name => name.StartsWith("grad.", StringComparison.Ordinal)).Select(fixture.Values)
            .Sum(gradient =>
            {
                var rounding = Units * gradient.Max(Math.Abs);
                return gradient.Sum(g => rate * Epsilon * rounding / Math.Pow(Math.Abs(g) + Epsilon, 2));
            });
    }

    [FixtureTheory(Kind, File)]
    [MemberData(nameof(Names))]
    public void A_tap_gets_what_per_example_norms_and_clipped_sums_are_made_of(string name)
    {
        using var fixture = new ModelFixture(name);
        using var binding = Bind(fixture, "adapter");
        using var parameters = new ParameterSet(binding.Slots(Factors.A | Factors.B | Factors.Head), CPU);
        using var scope = NewDisposeScope();
        using var batch = fixture.Transformer.Pack(fixture.Examples);
        var (labels, tap) = (Labels.Of(batch, fixture.Model.Architecture, CPU), new NaiveTap(batch.Examples.Count));
        var weights = tensor(labels.Rows.Counts.SelectMany(n => Enumerable.Repeat(1f / n, n)).ToArray());
        Objective.Run(fixture.Transformer, new Pass(batch) { Tap = tap }, labels, weights).Loss.backward();
        var norms = tap.Norms();
        var expected = fixture.Values("example.gradnorm");
        ModelFixture.AssertClose([.. batch.Order.Select(i => expected[i])], [.. norms.Select(n => (float)n)], "example.gradnorm");
        var clip = fixture.Values("dp.clip")[0];
        foreach (var (slot, _) in parameters.Entries)
            ModelFixture.AssertClose(fixture.Values($"dp.clippedsum.{slot.Name}"), tap.ClippedSum(slot, norms, clip),
                $"clipped sum of {slot.Name}");
    }

    private static AdapterBinding Bind(ModelFixture fixture, string folder)
    {
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, folder));
        return new AdapterBinding(fixture.Transformer, adapter.State, fixture.Model.LayoutFor(adapter.Config));
    }
}
