using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Models;

/// <summary>A real pre-trained encoder, where its fixture is there (it is not in the repository: 45 MB).</summary>
[Trait("Category", "Fixtures")]
public sealed class EncoderFixtureTests
{
    [FixtureTheory("minilm", "model.safetensors")]
    [InlineData("minilm")]
    public void A_real_encoder_gives_the_reference_states_and_embeddings(string name)
    {
        using var model = BaseModel.Load(Fixtures.PathOf(name));
        using var expected = SafetensorsFile.Open(Fixtures.PathOf(name, "expected.safetensors"));
        var (tokens, mask) = (expected.ReadFloats("input_ids"), expected.ReadFloats("attention_mask"));
        var longest = (int)expected.Entry("input_ids").Shape[1];
        var examples = Enumerable.Range(0, tokens.Length / longest)
            .Select(
                i => new Example(
                    [.. tokens.AsSpan(i * longest, mask.AsSpan(i * longest, longest).Count(1f)).ToArray().Select(t => (int)t)])).ToArray();
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var batch = model.Transformer.Pack(examples);
        var states = model.Transformer.Hidden(new Pass(batch), RowSet.All(batch));
        var width = model.Architecture.Width;
        var (rows, wantedStates, wantedEmbeddings) = (states.data<float>().ToArray(), expected.ReadFloats("last_hidden_state"),
            expected.ReadFloats("embedding"));
        for (int i = 0, first = 0; i < examples.Length; first += batch.Lengths[i++])
        {
            var (example, count) = (batch.Order[i], batch.Lengths[i]);
            ModelFixture.AssertClose(wantedStates.AsSpan(example * longest * width, count * width),
                rows.AsSpan(first * width, count * width), $"states of sentence {example}");
            var mean = states.narrow(0, first, count).mean([0]);
            ModelFixture.AssertClose(wantedEmbeddings.AsSpan(example * width, width), mean.div(mean.norm()).data<float>().ToArray(),
                $"embedding of sentence {example}");
        }
    }
}
