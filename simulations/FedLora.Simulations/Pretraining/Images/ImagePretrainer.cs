using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Models;
using FedLora.Training.Optimization;
using FedLora.Training.Running;
using TorchSharp;

namespace FedLora.Simulations.Pretraining.Images;

/// <summary>Makes a base model of images: trains all weights of a small ViT to classify. A matter of minutes, and so begun anew each
/// time.</summary>
/// <param name="time">Clock of the reports.</param>
public sealed class ImagePretrainer(TimeProvider? time = null)
{
    private const int RowsAtOnce = 8192;
    private const int PointEvery = 100;
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Runs it.</summary>
    /// <param name="folder">Takes the model; weights in float16.</param>
    /// <param name="data">Images with labels that are numbers from 0.</param>
    /// <param name="most">The first so many of them are learnt from.</param>
    /// <param name="shape">The model's size.</param>
    /// <param name="settings">How.</param>
    /// <param name="progress">Told every 100 steps.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <returns>The loss curve; a point's tokens are patches.</returns>
    public IReadOnlyList<LossPoint> Run(string folder, string data, int most, VitShape shape, ImagePretrainingSettings settings,
        IProgress<LossPoint>? progress, CancellationToken cancellationToken)
    {
        VitFolder.Create(folder, shape, settings.Seed);
        var labels = Enumerable.Range(0, shape.Classes).Select(label => $"{label}").ToArray();
        var read = new DataSettings(TextTask.SequenceClassification, 0, labels);
        var file = DataFile.Read(data, read, cancellationToken);
        var examples = DataSet.Of(file with { Records = [.. file.Records.Take(most)] }, read, ModelInput.Load(folder), cancellationToken)
            .Examples;
        using var loaded = BaseModel.Load(folder, new LoadOptions { Task = ModelTask.Classification, Compute = ComputeType.F32 });
        using var parameters = new ParameterSet(loaded.Transformer.BaseSlots, loaded.Transformer.Device);
        using var optimizer = new AdamW(PretrainingSettings.WeightDecay, beta2: PretrainingSettings.Beta2);
        var curve = Learn(loaded.Transformer, parameters, optimizer, examples, settings, progress, cancellationToken);
        VitFolder.Save(folder, shape, parameters.Export());
        return curve;
    }

    private List<LossPoint> Learn(Transformer model, ParameterSet parameters, AdamW optimizer, IReadOnlyList<Example> examples,
        ImagePretrainingSettings settings, IProgress<LossPoint>? progress, CancellationToken cancellationToken)
    {
        var sampler = new ShuffledSampler(examples.Count, settings.BatchSize, (ulong)settings.Seed);
        var rates = new LearningRate(settings.LearningRate, "linear", settings.Steps / 10, settings.Steps);
        var gradient = new PlainStep(RowsAtOnce, dropout: null);
        var (curve, losses, rows, start) = (new List<LossPoint>(), new List<double>(), 0L, _time.GetTimestamp());
        for (var step = 0; step < settings.Steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = torch.NewDisposeScope();
            var found = gradient.Run(model, parameters, [.. sampler.Next().Select(index => examples[index])], cancellationToken);
            Pretrainer.Apply(optimizer, parameters, rates.At(step));
            losses.Add(found.Loss);
            rows += found.Rows;
            if ((step + 1) % PointEvery != 0 && step + 1 != settings.Steps)
                continue;
            curve.Add(new LossPoint(step + 1, losses.Average(), rows, _time.GetElapsedTime(start).TotalSeconds));
            losses.Clear();
            progress?.Report(curve[^1]);
        }
        return curve;
    }
}
