using FedLora.Tests;
using FedLora.Training.Data;
using FedLora.Training.Running;
using FedLora.Training.Tests.Models;

namespace FedLora.Training.Tests;

[Trait("Category", "Fixtures")]
public sealed class MicroBatchesTests
{
    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void Pieces_are_few_and_of_like_size(string model)
    {
        using var fixture = new ModelFixture(model);
        var random = new Random(5);
        for (var trial = 0; trial < 50; trial++)
        {
            var (longest, limit) = (random.Next(1, 40), random.Next(20, 200));
            var examples = Enumerable.Range(0, random.Next(1, 60)).Select(_ => new Example(new int[random.Next(1, longest + 1)])).ToArray();
            var pieces = Split(limit);
            Assert.Equal(examples.Length, pieces.Sum(piece => piece.Count));
            Assert.All(examples, example => Assert.Single(pieces, piece => piece.Any(one => ReferenceEquals(one, example))));
            Assert.All(pieces, piece => Assert.True(piece.Count == 1 || Rows(piece) <= limit));
            var largest = pieces.Max(Rows);
            // With less room for each there are more.
            if (largest > 1)
                Assert.True(Split(largest - 1).Count > pieces.Count || pieces.Any(piece => piece.Count == 1 && Rows(piece) == largest));

            List<IReadOnlyList<Example>> Split(int rows) => [.. MicroBatches.Split(examples, fixture.Transformer.Architecture, rows)];
        }

        static int Rows(IReadOnlyList<Example> piece) => piece.Sum(example => example.Tokens.Length);
    }

    [FixtureTheory("models", "model.safetensors")]
    [InlineData("llama")]
    public void Two_passes_share_what_one_cannot_take(string model)
    {
        using var fixture = new ModelFixture(model);
        var examples = Enumerable.Range(0, 10).Select(_ => new Example(new int[10])).ToArray();
        Assert.Equal([5, 5], MicroBatches.Split(examples, fixture.Transformer.Architecture, 80).Select(piece => piece.Count));
        Assert.Empty(MicroBatches.Split([], fixture.Transformer.Architecture, 80));
    }
}
