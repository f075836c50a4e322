using FedLora.Adapters;
using FedLora.Training.Blocks;
using FedLora.Training.Models;
using FedLora.Training.Optimization;
using FedLora.Training.Running;
using FedLora.Training.Tokenizers;
using FedLora.Training.Tokenizers.Training;
using TorchSharp;

namespace FedLora.Simulations.Pretraining;

/// <summary>
/// Makes a base model: learns word pieces, then trains all weights of a BERT encoder to tell masked tokens. An interrupted run goes on
/// from its last save (the optimiser's moments start anew there, over a short warm-up).
/// </summary>
/// <param name="time">Clock of the reports.</param>
public sealed class Pretrainer(TimeProvider? time = null)
{
    private const int Alphabet = 120;
    private const int RowsAtOnce = 8192;
    private const int PointEvery = 25;
    private const int SaveEvery = 100;
    private const int ResumeWarmUp = 50;
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Runs, or goes on with, a pre-training.</summary>
    /// <param name="folder">The model's folder. Holds float32 weights while the run lasts, float16 at its end.</param>
    /// <param name="corpus">What to learn from.</param>
    /// <param name="shape">The model's size.</param>
    /// <param name="settings">How; those of an interrupted run must be the same.</param>
    /// <param name="progress">Told every 25 steps.</param>
    /// <param name="cancellationToken">Looked at between steps; the run is saved before it ends.</param>
    /// <returns>The loss curve.</returns>
    public IReadOnlyList<LossPoint> Run(
        string folder, IReadOnlyList<CorpusSource> corpus, EncoderShape shape, PretrainingSettings settings, IProgress<LossPoint>? progress, CancellationToken cancellationToken)
    {
        var state = PretrainingState.Load(folder) ?? new PretrainingState(settings, []);
        if (state.Settings != settings)
            throw new FedLoraException("pretraining-state-differs", $"{folder} holds a run with other settings: {state.Settings}.", "Go on with the same settings, or choose an empty folder.");
        if (state.Step == 0)
            LearnWordPieces(folder, corpus, shape, cancellationToken);
        var texts = new MaskedTexts(Tokenizer.Load(folder), shape.MaxLength, settings.MaskedShare);
        foreach (var source in corpus)
            texts.Add(source.Texts, source.Share, source.KeepBeginnings);
        if (state.Step == 0)
            EncoderFolder.Create(folder, shape, CooccurrenceStart.Of(texts.Weighted(), shape.Vocabulary, shape.Width, EncoderFolder.Deviation, settings.Seed), settings.Seed);
        using var model = BaseModel.Load(folder, new LoadOptions { Task = ModelTask.MaskedLanguageModelling });
        using var parameters = new ParameterSet(model.Transformer.BaseSlots, model.Transformer.Device);
        using var optimizer = new AdamW(PretrainingSettings.WeightDecay, beta2: PretrainingSettings.Beta2);
        var curve = Learn(model.Transformer, parameters, optimizer, texts, state, point =>
        {
            progress?.Report(point[^1]);
            if (point[^1].Step % SaveEvery == 0 || point[^1].Step == settings.Steps || cancellationToken.IsCancellationRequested)
            {
                EncoderFolder.Save(folder, [.. parameters.Export()], point[^1].Step == settings.Steps ? SafetensorsDtype.F16 : SafetensorsDtype.F32);
                new PretrainingState(settings, point).Save(folder);
            }
        }, cancellationToken);
        return curve;
    }

    private static void LearnWordPieces(string folder, IReadOnlyList<CorpusSource> corpus, EncoderShape shape, CancellationToken cancellationToken)
    {
        var trainer = new WordPieceTrainer();
        foreach (var text in corpus.SelectMany(source => source.Texts))
            trainer.Add(text);
        WordPieceFile.Write(folder, trainer.Train(shape.Vocabulary, Alphabet, cancellationToken), shape.MaxLength);
    }

    private List<LossPoint> Learn(
        Transformer model, ParameterSet parameters, AdamW optimizer, MaskedTexts texts, PretrainingState state, Action<IReadOnlyList<LossPoint>> reached, CancellationToken cancellationToken)
    {
        var settings = state.Settings;
        var rates = new LearningRate(settings.LearningRate, RateSchedule.Linear, settings.WarmUpSteps, settings.Steps);
        var gradient = new PlainStep(RowsAtOnce, dropout: null);
        var curve = state.Curve.ToList();
        var (tokens, before, start) = (curve.Count == 0 ? 0L : curve[^1].Tokens, curve.Count == 0 ? 0.0 : curve[^1].Seconds, _time.GetTimestamp());
        var losses = new List<double>();
        for (var step = state.Step; step < settings.Steps; step++)
        {
            using var scope = torch.NewDisposeScope();
            var found = gradient.Run(model, parameters, texts.Batch(settings.BatchSize, settings.Seed, step), CancellationToken.None);
            if (!double.IsFinite(found.Loss))
                throw new FedLoraException("training-diverged", $"The loss became {found.Loss} at step {step + 1}.", "Lower the learning rate.");
            var resumed = step - state.Step;
            var ease = state.Step > 0 && resumed < ResumeWarmUp ? (resumed + 1.0) / ResumeWarmUp : 1;
            Apply(optimizer, parameters, rates.At(step) * ease);
            losses.Add(found.Loss);
            tokens += found.Rows;
            if ((step + 1) % PointEvery != 0 && step + 1 < settings.Steps && !cancellationToken.IsCancellationRequested)
                continue;
            curve.Add(new LossPoint(step + 1, losses.Average(), tokens, before + _time.GetElapsedTime(start).TotalSeconds));
            losses.Clear();
            reached(curve);
            cancellationToken.ThrowIfCancellationRequested();
        }
        return curve;
    }

    private static void Apply(AdamW optimizer, ParameterSet parameters, double rate)
    {
        using var off = torch.no_grad();
        using var norm = parameters.Gradient.norm();
        var length = norm.item<float>();
        if (length > PretrainingSettings.MaxGradientNorm)
            parameters.Gradient.mul_(PretrainingSettings.MaxGradientNorm / (length + 1e-6));
        optimizer.Step(parameters.Values, parameters.Gradient, rate);
    }
}
