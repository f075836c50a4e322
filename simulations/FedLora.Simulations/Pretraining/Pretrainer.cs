using FedLora.Adapters;
using FedLora.Simulations.Pretraining.WordPieces;
using FedLora.Tokenizers;
using FedLora.Training.Blocks;
using FedLora.Training.Models;
using FedLora.Training.Optimization;
using FedLora.Training.Running;
using TorchSharp;
using static FedLora.Training.Kernels.Scalars;

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
    /// <param name="folder">The model's folder. Holds float32 weights while the run lasts, float16 at the end of each of its two
    /// parts.</param>
    /// <param name="corpus">What to learn from.</param>
    /// <param name="shape">The model's size.</param>
    /// <param name="settings">How; those of an interrupted run must be the same.</param>
    /// <param name="progress">Told every 25 steps.</param>
    /// <param name="cancellationToken">Looked at between steps; the run is saved before it ends.</param>
    /// <returns>The loss curve.</returns>
    public IReadOnlyList<LossPoint> Run(
        string folder, IReadOnlyList<CorpusSource> corpus, EncoderShape shape, PretrainingSettings settings, IProgress<LossPoint>? progress,
        CancellationToken cancellationToken)
    {
        var state = PretrainingState.Load(folder) ?? new PretrainingState(settings, []);
        // A run that is done may still learn to sum up.
        state = state with { Settings = state.Settings with { SummarySteps = settings.SummarySteps } };
        if (state.Settings != settings)
            throw new FedLoraException("pretraining-state-differs", $"{folder} holds a run with other settings: {state.Settings}.",
                "Go on with the same settings, or choose an empty folder.");
        if (state.Step == 0)
            LearnWordPieces(folder, corpus, shape, cancellationToken);
        var texts = new MaskedTexts(Tokenizer.Load(folder), shape.MaxLength, settings.MaskedShare);
        foreach (var source in corpus)
            texts.Add(source.Texts, source.Share, source.KeepBeginnings);
        if (state.Step == 0)
            EncoderFolder.Create(folder, shape,
                CooccurrenceStart.Of(texts.Weighted(), shape.Vocabulary, shape.Width, EncoderFolder.Deviation, settings.Seed),
                settings.Seed);
        Learn(folder, texts, ref state, 0, settings.Steps, 0, progress, cancellationToken);
        Learn(folder, texts, ref state, settings.Steps, settings.Steps + settings.SummarySteps, PretrainingSettings.SummaryWords, progress,
            cancellationToken);
        if (settings.SummarySteps > 0)
            FitPooler(folder, texts.Beginnings, cancellationToken);
        return state.Curve;
    }

    private static void FitPooler(string folder, IReadOnlyList<int[]> windows, CancellationToken cancellationToken)
    {
        using var model = BaseModel.Load(folder, new LoadOptions { Task = ModelTask.MaskedLanguageModelling });
        var pooler = WhiteningPooler.Fit(model.Transformer, windows, cancellationToken);
        using var parameters = new ParameterSet(model.Transformer.BaseSlots, model.Transformer.Device);
        EncoderFolder.Save(folder, [.. parameters.Export()], SafetensorsDtype.F16, pooler);
    }

    private static void LearnWordPieces(string folder, IReadOnlyList<CorpusSource> corpus, EncoderShape shape,
        CancellationToken cancellationToken)
    {
        var trainer = new WordPieceTrainer();
        foreach (var text in corpus.SelectMany(source => source.Texts))
            trainer.Add(text);
        WordPieceFile.Write(folder, trainer.Train(shape.Vocabulary, Alphabet, cancellationToken), shape.MaxLength);
    }

    /// <summary>
    /// The steps from one to another, with a rise and fall of the rate and an optimiser of their own. They start from the folder's weights
    /// and end with them in float16.
    /// </summary>
    private void Learn(
        string folder, MaskedTexts texts, ref PretrainingState state, int from, int to, int summaryWords, IProgress<LossPoint>? progress,
        CancellationToken cancellationToken)
    {
        if (state.Step >= to)
            return;
        using var loaded = BaseModel.Load(folder, new LoadOptions { Task = ModelTask.MaskedLanguageModelling, Compute = ComputeType.F32 });
        var model = loaded.Transformer;
        using var parameters = new ParameterSet(model.BaseSlots, model.Device);
        using var optimizer = new AdamW(PretrainingSettings.WeightDecay, beta2: PretrainingSettings.Beta2);
        var settings = state.Settings;
        var rates = new LearningRate(settings.LearningRate, "linear", settings.WarmUpSteps, to - from);
        var gradient = new PlainStep(RowsAtOnce, dropout: null);
        var curve = state.Curve.ToList();
        var (tokens, before, start) = (curve.Count == 0 ? 0L : curve[^1].Tokens, curve.Count == 0 ? 0.0 : curve[^1].Seconds,
            _time.GetTimestamp());
        var losses = new List<double>();
        var first = state.Step;
        for (var step = first; step < to; step++)
        {
            using var scope = torch.NewDisposeScope();
            var found = gradient.Run(model, parameters, texts.Batch(settings.BatchSize, settings.Seed, step, summaryWords),
                CancellationToken.None);
            if (!double.IsFinite(found.Loss))
                throw new FedLoraException("training-diverged", $"The loss became {found.Loss} at step {step + 1}.",
                    "Lower the learning rate.");
            var ease = first > from && step - first < ResumeWarmUp ? (step - first + 1.0) / ResumeWarmUp : 1;
            Apply(optimizer, parameters, rates.At(step - from) * ease);
            losses.Add(found.Loss);
            tokens += found.Rows;
            if ((step + 1) % PointEvery != 0 && step + 1 != to && !cancellationToken.IsCancellationRequested)
                continue;
            curve.Add(new LossPoint(step + 1, losses.Average(), tokens, before + _time.GetElapsedTime(start).TotalSeconds));
            losses.Clear();
            progress?.Report(curve[^1]);
            if ((step + 1) % SaveEvery == 0 || step + 1 == to || cancellationToken.IsCancellationRequested)
            {
                EncoderFolder.Save(folder, [.. parameters.Export()], step + 1 == to ? SafetensorsDtype.F16 : SafetensorsDtype.F32);
                state = new PretrainingState(settings, [.. curve]);
                state.Save(folder);
            }
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    internal static void Apply(AdamW optimizer, ParameterSet parameters, double rate)
    {
        using var off = torch.no_grad();
        using var norm = parameters.Gradient.norm();
        var length = norm.item<float>();
        if (length > PretrainingSettings.MaxGradientNorm)
            parameters.Gradient.mul_(Held(PretrainingSettings.MaxGradientNorm / (length + 1e-6)));
        optimizer.Step(parameters.Values, parameters.Gradient, rate);
    }
}
