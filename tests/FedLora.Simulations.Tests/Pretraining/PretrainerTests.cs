using FedLora.Adapters;
using FedLora.Simulations.Pretraining;
using FedLora.Tokenizers;
using FedLora.Training.Data;
using FedLora.Training.Models;

namespace FedLora.Simulations.Tests.Pretraining;

public sealed class PretrainerTests : IDisposable
{
    private static readonly EncoderShape Shape = new(Vocabulary: 120, Layers: 1, Width: 16, Heads: 2, Inner: 32, MaxLength: 24);
    private static readonly CorpusSource[] Corpus = [new("rhyme",
        [.. Enumerable.Repeat("the cat sat on the mat and the dog ate the hat of the man with the pan and the fan", 20)], 1,
        KeepBeginnings: true)];
    private static readonly PretrainingSettings Settings = new(Steps: 100, BatchSize: 4, LearningRate: 3e-3, WarmUpSteps: 10);
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-pretraining-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_loss_falls_and_the_folder_is_a_model_for_classification()
    {
        var curve = new Pretrainer().Run(_folder, Corpus, Shape, Settings, null, CancellationToken.None);
        Assert.Equal(100, curve[^1].Step);
        Assert.True(curve[^1].Loss < 0.6 * curve[0].Loss, $"{curve[0].Loss} -> {curve[^1].Loss}");
        using var file = SafetensorsFolder.Open(_folder);
        Assert.Equal(SafetensorsDtype.F16, file.Entry("bert.encoder.layer.0.attention.self.query.weight").Dtype);
        using var model = BaseModel.Load(_folder, new LoadOptions { Task = ModelTask.Classification, Labels = ["ham", "spam"] });
        Assert.All(model.MadeTensors, name => Assert.StartsWith("classifier", name, StringComparison.Ordinal));
    }

    [Fact]
    public void An_interrupted_run_goes_on_where_it_stopped()
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(
            () => new Pretrainer().Run(_folder, Corpus, Shape, Settings, new Stopper(stop), stop.Token));
        var state = PretrainingState.Load(_folder)!;
        Assert.InRange(state.Step, 1, 99);
        var curve = new Pretrainer().Run(_folder, Corpus, Shape, Settings, null, CancellationToken.None);
        Assert.Equal(state.Curve, curve.Take(state.Curve.Count));
        Assert.Equal(100, curve[^1].Step);
        Assert.True(curve[^1].Loss < curve[0].Loss);
    }

    [Fact]
    public void Other_settings_in_the_same_folder_are_refused()
    {
        new PretrainingState(Settings, [new LossPoint(1, 1, 1, 1)]).Save(_folder);
        Assert.Equal("pretraining-state-differs",
            Assert.Throws<FedLoraException>(
                () => new Pretrainer().Run(_folder, Corpus, Shape, Settings with { Seed = 9 }, null, CancellationToken.None)).Code);
    }

    [Fact]
    public void Fifteen_in_a_hundred_tokens_are_to_be_told()
    {
        new Pretrainer().Run(_folder, Corpus, Shape, Settings with { Steps = 1 }, null, CancellationToken.None);
        var tokenizer = Tokenizer.Load(_folder);
        var texts = new MaskedTexts(tokenizer, Shape.MaxLength, 0.15);
        texts.Add(Corpus[0].Texts, 1, keepBeginnings: false);
        var batch = texts.Batch(500, seed: 1, step: 1);
        var told = batch.Sum(example => example.Labels!.Count(label => label != Example.NoLabel));
        var masked = batch.Sum(example => example.Tokens.Count(token => token == tokenizer.IdOf("[MASK]")));
        // Places are drawn with replacement, so a few of the 3 in 22 fall together; four fifths are masked.
        Assert.InRange(told / (500.0 * 22), 0.10, 0.15);
        Assert.InRange(masked / (double)told, 0.75, 0.85);
        Assert.All(batch,
            example => Assert.All(example.Labels!.Zip(example.Tokens), pair => Assert.True(pair.First != tokenizer.IdOf("[SEP]"))));
        Assert.Equal(batch.Select(example => example.Tokens), texts.Batch(500, seed: 1, step: 1).Select(example => example.Tokens));
        Assert.NotEqual(batch.Select(example => example.Tokens), texts.Batch(500, seed: 1, step: 2).Select(example => example.Tokens));
    }

    [Fact]
    public void Tokens_that_keep_the_same_company_start_alike()
    {
        // 1 and 2 stand between the same neighbours, 3 between others.
        int[][] windows = [[0, 4, 1, 5, 0], [0, 4, 2, 5, 0], [0, 6, 3, 7, 0], [0, 4, 1, 5, 0], [0, 4, 2, 5, 0], [0, 6, 3, 7, 0]];
        var start = CooccurrenceStart.Of(windows.Select(window => (1.0, window)), vocabulary: 8, width: 4, deviation: 0.02, seed: 1);
        Assert.True(Cosine(1, 2) > 0.99, $"{Cosine(1, 2)}");
        Assert.True(Math.Abs(Cosine(1, 3)) < 0.01, $"{Cosine(1, 3)}");
        Assert.Equal(0.02 * 0.02, start.Embeddings.Average(value => value * value), 6);
        // 4 is in 4 of 18 places; the smoothing moves that by a thousandth at most.
        Assert.Equal(Math.Log(4 / 18.0), start.Bias[4], 2e-3);
        Assert.Equal(start.Embeddings, CooccurrenceStart.Of(windows.Select(window => (1.0, window)), 8, 4, 0.02, 1).Embeddings);

        double Cosine(int one, int other)
        {
            var (a, b) = (Row(one), Row(other));
            return a.Zip(b, (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));
        }

        double[] Row(int token) => [.. start.Embeddings.Skip(token * 4).Take(4).Select(value => (double)value)];
    }

    private sealed class Stopper(CancellationTokenSource source) : IProgress<LossPoint>
    {
        public void Report(LossPoint value) => source.Cancel();
    }
}
