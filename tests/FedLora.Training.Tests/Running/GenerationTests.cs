using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Kernels;
using FedLora.Training.Lora;
using FedLora.Training.Tests.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Running;

/// <summary>Token by token with keys and values kept: the logits of the pass over the whole text.</summary>
[Trait("Category", "Fixtures")]
public sealed class GenerationTests
{
    public static TheoryData<string> Causal => EmbeddingAdapterTests.GenerationModels();

    [FixtureTheory("models", "expected.safetensors")]
    [MemberData(nameof(Causal))]
    public void Each_step_has_the_logits_of_the_whole_pass(string name)
    {
        using var fixture = new ModelFixture(name);
        Compare(fixture);
        // With factors beside the layers.
        var adapter = PeftFolder.Read(Path.Combine(fixture.Folder, "adapter"));
        using var binding = new AdapterBinding(fixture.Transformer, adapter.State, fixture.Model.LayoutFor(adapter.Config));
        Compare(fixture);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(37)]
    [InlineData(300)]
    public void A_matrix_times_a_row_is_the_naive_product(int dIn)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            foreach (var dOut in (int[])[1, 3, 4, 1030])
            {
                var (weight, x, bias) = (randn([dOut, dIn]).to(type), randn([1, dIn]), randn([dOut]));
                var (w, by) = (weight.to(ScalarType.Float64), x.to(ScalarType.Float64));
                foreach (var given in new[] { bias, null })
                {
                    var expected = by.mm(w.t()).add(given is null ? zeros(1) : given).to(ScalarType.Float64).data<double>().ToArray();
                    // By what is added up: a sum whose terms cancel is as wrong as one whose do not.
                    var terms = by.abs().mm(w.abs().t()).add(given is null ? zeros(1) : given.abs()).to(ScalarType.Float64).data<double>()
                        .ToArray();
                    var actual = RowKernel.Linear(weight, x, given).data<float>().ToArray();
                    for (var i = 0; i < actual.Length; i++)
                    {
                        Assert.True(Math.Abs(actual[i] - expected[i]) <= 5e-7 * terms[i],
                            $"{dOut} x {dIn}, {i}: {actual[i]}, {expected[i]}");
                    }
                }
            }
        }
    }

    private static void Compare(ModelFixture fixture)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var random = new Random(3);
        // Longer than the windows that some have, and than the least room of a cache where the model takes that many.
        var architecture = fixture.Model.Architecture;
        var tokens = Enumerable.Range(0, Math.Min(architecture.MaxLength, 90)).Select(_ => random.Next(architecture.Vocabulary)).ToArray();
        using var batch = fixture.Transformer.Pack([new Example(tokens)]);
        var whole = fixture.Transformer.Logits(new Pass(batch), RowSet.All(batch));
        foreach (var prompt in (int[])[1, 5])
        {
            using var cache = new KeyValueCache(architecture.Layers);
            for (var (done, next) = (0, prompt); done < tokens.Length; (done, next) = (done + next, 1))
            {
                using var inner = NewDisposeScope();
                using var step = new Batch([new Example(tokens[done..(done + next)])], architecture, CPU, cache.Length);
                var logits = fixture.Transformer.Logits(new Pass(step) { Cache = cache }, RowSet.Of([1], [next - 1], CPU));
                ModelFixture.AssertClose(whole[done + next - 1].data<float>().ToArray(), logits.data<float>().ToArray(),
                    $"after {done + next} tokens");
                Assert.Equal(done + next, cache.Length);
            }
        }
    }
}
