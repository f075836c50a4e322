using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Running;

/// <summary>How well a model does on examples that it was not trained on.</summary>
/// <param name="Examples">Examples with at least one label.</param>
/// <param name="Labels">Labels in all: classes, or tokens.</param>
/// <param name="Loss">Mean cross-entropy over the labels, in nats.</param>
/// <param name="Accuracy">Share of the labels that the model puts first.</param>
/// <param name="MacroF1">Classification: mean over the classes of 2 P R / (P + R); null for language models.</param>
public sealed record Evaluation(int Examples, long Labels, double Loss, double Accuracy, double? MacroF1)
{
    /// <summary>exp(loss).</summary>
    public double Perplexity => Math.Exp(Loss);
}

/// <summary>Evaluates a model, adapter on or off.</summary>
public static class Evaluator
{
    /// <summary>Runs all examples through the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="examples">At least one label among them.</param>
    /// <param name="rowsAtOnce">Rows that go through the model at once.</param>
    /// <param name="progress">Told how many examples are done.</param>
    /// <param name="cancellationToken">Looked at between pieces.</param>
    /// <exception cref="FedLoraException"><c>data-empty</c>: no example has a label.</exception>
    public static Evaluation Run(Transformer model, IReadOnlyList<Example> examples, int rowsAtOnce = MicroBatches.RowsAtOnce,
        IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        using var off = no_grad();
        var classes = model.Architecture.Task == ModelTask.Classification ? model.Architecture.Labels.Count : 0;
        var (confusion, loss, right, labels, done) = (new long[classes, classes], 0.0, 0L, 0L, 0);
        var labelled = examples.Where(e => Labels.CountOf(e, model.Architecture) > 0).ToArray();
        if (labelled.Length == 0)
            throw new FedLoraException("data-empty", "No example has a label to evaluate by.",
                "Give a file with labels, or with completions.");
        foreach (var piece in MicroBatches.Split(labelled, model.Architecture, rowsAtOnce))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = model.Pack(piece);
            var wanted = Labels.Of(batch, model.Architecture, model.Device);
            var (losses, guesses) = Objective.Judge(model, new Pass(batch), wanted);
            var (each, first, targets) = (losses.cpu().data<float>().ToArray(), guesses.cpu().data<long>().ToArray(),
                wanted.Targets.cpu().data<long>().ToArray());
            loss += each.Sum(v => (double)v);
            for (var i = 0; i < each.Length; i++)
            {
                right += first[i] == targets[i] ? 1 : 0;
                if (classes > 0)
                    confusion[targets[i], first[i]]++;
            }
            (labels, done) = (labels + each.Length, done + piece.Count);
            progress?.Report(done);
        }
        return new Evaluation(labelled.Length, labels, loss / labels, (double)right / labels, classes > 0 ? MacroF1(confusion) : null);
    }

    /// <summary>
    /// Mean F1 over the classes that occur or are guessed, as scikit-learn does it: data of one label may all be guessed right.
    /// </summary>
    public static double MacroF1(long[,] confusion)
    {
        var (classes, counted, sum) = (confusion.GetLength(0), 0, 0.0);
        for (var c = 0; c < classes; c++)
        {
            var (both, either) = (confusion[c, c], 0L);
            for (var k = 0; k < classes; k++)
                either += confusion[c, k] + confusion[k, c];
            if (either == 0)
                continue;
            sum += 2.0 * both / either;
            counted++;
        }
        return sum / counted;
    }
}
