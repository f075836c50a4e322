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

    /// <summary>Classification: what was guessed for what; null for language models, and where nobody counted.</summary>
    public Confusion? Confusion { get; init; }

    /// <summary>Whether its probabilities are what they say; null where nobody counted.</summary>
    public Calibration? Calibration { get; init; }
}

/// <summary>How far an evaluation is.</summary>
/// <param name="Done">Examples done.</param>
/// <param name="All">All examples.</param>
/// <param name="Share">Share of the rows (tokens) done, 0 to 1: long examples come first.</param>
public readonly record struct EvaluationProgress(int Done, int All, double Share);

/// <summary>Evaluates a model, adapter on or off.</summary>
public static class Evaluator
{
    /// <summary>Runs all examples through the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="examples">At least one label among them.</param>
    /// <param name="atOnce">Examples that go through the model at once; null for as many as <see cref="MicroBatches.RowsAtOnce"/> rows
    /// hold.</param>
    /// <param name="progress">Told after every piece.</param>
    /// <param name="cancellationToken">Looked at between pieces.</param>
    /// <exception cref="FedLoraException"><c>data-empty</c>: no example has a label.</exception>
    public static Evaluation Run(Transformer model, IReadOnlyList<Example> examples, int? atOnce = null,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var off = no_grad();
        var classes = model.Architecture.Task == ModelTask.Classification ? model.Architecture.Labels.Count : 0;
        var (confusion, calibration, loss, right, labels, done) = (new long[classes, classes], new Calibration(), 0.0, 0L, 0L, 0);
        var labelled = examples.Where(e => Labels.CountOf(e, model.Architecture) > 0).ToArray();
        if (labelled.Length == 0)
            throw new FedLoraException("data-empty", "No example has a label to evaluate by.",
                "Give a file with labels, or with completions.");
        var (rows, allRows) = (0L, labelled.Sum(e => (long)MicroBatches.Rows(e, model.Architecture)));
        var pieces = atOnce is { } most ? MicroBatches.Chunk(labelled, model.Architecture, most)
            : MicroBatches.Split(labelled, model.Architecture, MicroBatches.RowsAtOnce);
        foreach (var piece in pieces)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = model.Pack(piece);
            var wanted = Labels.Of(batch, model.Architecture, model.Device);
            var judged = Objective.Judge(model, new Pass(batch), wanted);
            var (each, first, sure, targets) = (judged.RowLosses.cpu().data<float>().ToArray(), judged.Guesses.cpu().data<long>().ToArray(),
                judged.Confidences.cpu().data<float>().ToArray(), wanted.Targets.cpu().data<long>().ToArray());
            loss += each.Sum(v => (double)v);
            for (var i = 0; i < each.Length; i++)
            {
                right += first[i] == targets[i] ? 1 : 0;
                calibration.Add(sure[i], first[i] == targets[i]);
                if (classes > 0)
                    confusion[targets[i], first[i]]++;
            }
            (labels, done, rows) = (labels + each.Length, done + piece.Count, rows + batch.Rows);
            progress?.Report(new EvaluationProgress(done, labelled.Length, (double)rows / allRows));
        }
        var counted = classes > 0 ? new Confusion(confusion) : null;
        return new Evaluation(labelled.Length, labels, loss / labels, (double)right / labels, counted?.MacroF1)
        {
            Confusion = counted,
            Calibration = calibration,
        };
    }
}
