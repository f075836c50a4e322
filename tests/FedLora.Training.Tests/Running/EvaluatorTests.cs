using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Running;
using FedLora.Training.Tests.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Running;

/// <summary>Evaluation beside a plain one: softmax in float64 of each row's logits, and windows token by token.</summary>
[Trait("Category", "Fixtures")]
public sealed class EvaluatorTests
{
    [FixtureTheory("models", "expected.safetensors")]
    [InlineData("bert-classify")]
    [InlineData("llama")]
    [InlineData("gemma2")]
    public void Loss_accuracy_and_calibration_are_those_of_a_plain_softmax(string name)
    {
        using var fixture = new ModelFixture(name);
        var guesses = Naive(fixture.Transformer, fixture.Examples);
        var found = Evaluator.Run(fixture.Transformer, fixture.Examples);
        Assert.Equal(guesses.Count, found.Labels);
        Assert.Equal(guesses.Average(guess => -Math.Log(guess.Of(guess.Right))), found.Loss, 1e-5);
        Assert.Equal(guesses.Average(guess => guess.IsRight ? 1.0 : 0), found.Accuracy, 1e-12);
        var error = 0.0;
        for (var bin = 0; bin < 15; bin++)
        {
            var mine = guesses.Where(guess => guess.Sure > bin / 15.0 && guess.Sure <= (bin + 1) / 15.0).ToArray();
            Assert.Equal(mine.Length, found.Calibration!.Bins[bin].Count);
            if (mine.Length > 0)
                error += Math.Abs(mine.Average(guess => guess.IsRight ? 1.0 : 0) - mine.Average(guess => guess.Sure)) * mine.Length
                    / guesses.Count;
        }
        Assert.Equal(error, found.Calibration!.Error, 1e-5);
        Assert.InRange(error, 1e-3, 1);
        // However many go at once.
        foreach (var atOnce in (int[])[1, 2, 100])
            Assert.Equal(found.Loss, Evaluator.Run(fixture.Transformer, fixture.Examples, atOnce).Loss, 1e-5);
    }

    [FixtureTheory("models", "expected.safetensors")]
    [InlineData("bert-classify")]
    public void Classes_are_counted_as_they_were_guessed(string name)
    {
        using var fixture = new ModelFixture(name);
        var guesses = Naive(fixture.Transformer, fixture.Examples);
        var confusion = Evaluator.Run(fixture.Transformer, fixture.Examples).Confusion!;
        for (var right = 0; right < confusion.Classes; right++)
        {
            for (var guessed = 0; guessed < confusion.Classes; guessed++)
                Assert.Equal(guesses.Count(guess => guess.Right == right && guess.Likeliest == guessed), confusion[right, guessed]);
        }
    }

    [Fact]
    public void Precision_recall_and_F1_are_by_hand()
    {
        // 6 of class 0: 4 right, 2 taken for 1; 3 of class 1: 2 right, 1 taken for 0; class 2 neither occurs nor is guessed.
        var confusion = new Confusion(new long[,] { { 4, 2, 0 }, { 1, 2, 0 }, { 0, 0, 0 } });
        Assert.Equal(new ClassScore(4.0 / 5, 4.0 / 6, 8.0 / 11, 6, 5), confusion.Scores[0]);
        Assert.Equal(new ClassScore(2.0 / 4, 2.0 / 3, 4.0 / 7, 3, 4), confusion.Scores[1]);
        Assert.Equal(new ClassScore(0, 0, 0, 0, 0), confusion.Scores[2]);
        Assert.Equal(((8.0 / 11) + (4.0 / 7)) / 2, confusion.MacroF1, 1e-12);
    }

    [Fact]
    public void The_calibration_error_weighs_ranges_by_their_guesses()
    {
        var calibration = new Calibration();
        // Two ranges: 0.9 said and 3 of 4 right; 0.5 said and 1 of 1 right. A probability of 1 and of 0 has a range too.
        foreach (var right in (bool[])[true, true, true, false])
            calibration.Add(0.9, right);
        calibration.Add(0.5, true);
        Assert.Equal(((4 * 0.15) + (1 * 0.5)) / 5, calibration.Error, 1e-12);
        calibration.Add(1, true);
        calibration.Add(0, false);
        Assert.Equal(1, calibration.Bins[^1].Count);
        Assert.Equal(1, calibration.Bins[0].Count);
    }

    [FixtureTheory("models", "expected.safetensors")]
    [InlineData(16, 5)]
    [InlineData(16, 15)]
    [InlineData(9, 1)]
    public void With_a_stride_each_token_is_predicted_once_from_the_tokens_before_it_in_its_window(int window, int stride)
    {
        using var fixture = new ModelFixture("llama");
        var random = new Random(5);
        var tokens = Enumerable.Range(0, 53).Select(_ => random.Next(fixture.Model.Architecture.Vocabulary)).ToArray();
        // Some are not asked for, as those of a prompt.
        var text = new Example(tokens) { Labels = [.. tokens.Select((token, i) => i is > 0 and < 4 or 30 ? Example.NoLabel : token)] };
        var (sum, count) = (0.0, 0);
        for (int begin = 0, told = 1; told < tokens.Length; begin += stride)
        {
            // As the guide has it: a window predicts what no window before it did.
            for (; told < Math.Min(begin + window, tokens.Length); told++)
            {
                if (text.Labels[told] == Example.NoLabel)
                    continue;
                sum -= Math.Log(Softmax(LastLogits(fixture.Transformer, tokens[begin..told]))[tokens[told]]);
                count++;
            }
        }
        var found = Evaluator.Run(fixture.Transformer, [.. StridedWindows.Split(text, window, stride)]);
        Assert.Equal(count, found.Labels);
        Assert.Equal(sum / count, found.Loss, 1e-5);
        Assert.Same(text, Assert.Single(StridedWindows.Split(text, tokens.Length, stride)));
    }

    private static float[] LastLogits(Transformer model, int[] tokens)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var batch = model.Pack([new Example(tokens)]);
        return model.Logits(new Pass(batch), RowSet.Of([1], [tokens.Length - 1], CPU)).data<float>().ToArray();
    }

    private static List<Guess> Naive(Transformer model, IReadOnlyList<Example> examples)
    {
        var guesses = new List<Guess>();
        foreach (var example in examples)
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            using var batch = model.Pack([example]);
            var labels = Labels.Of(batch, model.Architecture, CPU);
            var (logits, targets) = (model.Logits(new Pass(batch), labels.Rows), labels.Targets.data<long>().ToArray());
            for (var row = 0; row < targets.Length; row++)
                guesses.Add(new Guess(Softmax(logits[row].data<float>().ToArray()), (int)targets[row]));
        }
        return guesses;
    }

    private static double[] Softmax(float[] logits)
    {
        var powers = logits.Select(logit => Math.Exp((double)logit)).ToArray();
        var sum = powers.Sum();
        return [.. powers.Select(power => power / sum)];
    }

    private sealed record Guess(double[] Probabilities, int Right)
    {
        public int Likeliest => Array.IndexOf(Probabilities, Probabilities.Max());

        public double Sure => Probabilities.Max();

        public bool IsRight => Likeliest == Right;

        public double Of(int answer) => Probabilities[answer];
    }
}
