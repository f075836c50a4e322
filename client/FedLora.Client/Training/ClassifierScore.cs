using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Running;
using static TorchSharp.torch;

namespace FedLora.Client.Training;

/// <summary>How well predictions agree with labels.</summary>
/// <param name="Accuracy">Share of right answers.</param>
/// <param name="MacroF1">Mean over the classes of 2 TP / (2 TP + FP + FN); a class that neither occurs nor is predicted counts as 0.</param>
public sealed record ClassifierScore(double Accuracy, double MacroF1)
{
    private const int RowsAtOnce = 4096;

    /// <summary>Runs a model (with its adapter on) over labelled examples.</summary>
    public static ClassifierScore Of(Transformer model, IReadOnlyList<Example> examples, CancellationToken cancellation)
    {
        var (right, predicted) = (new List<int>(), new List<int>());
        using var off = no_grad();
        foreach (var piece in MicroBatches.Split(examples, model.Architecture, RowsAtOnce))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = model.Pack(piece);
            var logits = model.Logits(new Pass(batch), Labels.Pooled(batch, model.Architecture, model.Device));
            predicted.AddRange(logits.argmax(1).cpu().data<long>().ToArray().Select(index => (int)index));
            right.AddRange(batch.Examples.Select(example => example.Class!.Value));
        }
        return Of(right, predicted, model.Architecture.Labels.Count);
    }

    /// <summary>Compares predictions with what is right.</summary>
    public static ClassifierScore Of(IReadOnlyList<int> right, IReadOnlyList<int> predicted, int classes)
    {
        var hits = right.Zip(predicted).Count(pair => pair.First == pair.Second);
        var f1 = Enumerable.Range(0, classes).Average(label =>
        {
            var both = right.Zip(predicted).Count(pair => pair.First == label && pair.Second == label);
            var either = right.Count(value => value == label) + predicted.Count(value => value == label);
            return either == 0 ? 0 : 2.0 * both / either;
        });
        return new ClassifierScore((double)hits / right.Count, f1);
    }
}
