using FedLora.Training.Kernels;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>The loss: cross-entropy at the labelled rows, weighted row by row and summed.</summary>
public static class Objective
{
    /// <summary>Runs a batch through a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="labels">At least one labelled row.</param>
    /// <param name="weights">Weight of each labelled row, float32: 1 / (labelled rows of the logical batch) gives its mean.</param>
    /// <returns>The weighted sum, to go backward from; and each row's own loss, without gradient.</returns>
    public static (Tensor Loss, Tensor RowLosses) Run(Transformer model, Pass pass, Labels labels, Tensor weights)
    {
        using var scope = NewDisposeScope();
        var head = model.Head ?? throw new InvalidOperationException("This model was loaded without head.");
        var hidden = model.Hidden(pass, labels.Rows);
        var features = head.Features(hidden, pass, labels.Rows.Counts);
        var rowLosses = new LanguageLossFunction.Result();
        Tensor loss;
        if (IsWide(model, pass))
        {
            var bias = head.Output.Bias?.Value ?? zeros(1, device: features.device);
            loss = LanguageLossFunction.apply(features, head.Output.Weight.Value, bias, labels.Targets, weights,
                head.Output.Bias is not null, head.SoftCap ?? 0.0, rowLosses);
        }
        else
        {
            var each = nn.functional.log_softmax(head.Logits(features, pass, labels.Rows.Counts), -1).gather(1, labels.Targets.unsqueeze(1))
                .squeeze(1).neg();
            rowLosses.Losses = each.detach();
            loss = each.mul(weights).sum();
        }
        return (loss.MoveToOuterDisposeScope(), rowLosses.Losses!.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Without gradient, of each labelled row: its loss (float32), the class or word that comes first there (int64), and the probability
    /// of that (float32).
    /// </summary>
    public static (Tensor RowLosses, Tensor Guesses, Tensor Confidences) Judge(Transformer model, Pass pass, Labels labels)
    {
        const long Chunk = 1 << 23;
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var head = model.Head ?? throw new InvalidOperationException("This model was loaded without head.");
        var features = head.Features(model.Hidden(pass, labels.Rows), pass, labels.Rows.Counts);
        var (losses, guesses, confidences) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        var rows = Math.Max(1, Chunk / head.Output.Weight.Value.shape[0]);
        for (var start = 0L; start < labels.Count; start += rows)
        {
            using var inner = NewDisposeScope();
            var count = Math.Min(rows, labels.Count - start);
            var logits = head.Logits(features.narrow(0, start, count), pass, labels.Rows.Counts);
            var (loss, guess, confidence) = Judge(logits, labels.Targets.narrow(0, start, count));
            losses.Add(loss.MoveToOuterDisposeScope());
            guesses.Add(guess.MoveToOuterDisposeScope());
            confidences.Add(confidence.MoveToOuterDisposeScope());
        }
        return (cat(losses, 0).MoveToOuterDisposeScope(), cat(guesses, 0).MoveToOuterDisposeScope(),
            cat(confidences, 0).MoveToOuterDisposeScope());
    }

    private static (Tensor Losses, Tensor Guesses, Tensor Confidences) Judge(Tensor logits, Tensor targets)
    {
        if (HostMemory.CanRead(logits))
            return JudgeKernel.Run(logits, targets);
        var logs = nn.functional.log_softmax(logits, -1);
        var (highest, first) = logs.max(1);
        return (logs.gather(1, targets.unsqueeze(1)).squeeze(1).neg(), first, highest.exp());
    }

    /// <summary>The mean of each example's own labels' losses, in packed order; NaN where it has none.</summary>
    public static float[] PerExample(Tensor rowLosses, IReadOnlyList<int> counts)
    {
        using var host = rowLosses.cpu();
        var values = host.data<float>().ToArray();
        var means = new float[counts.Count];
        for (int i = 0, row = 0; i < means.Length; row += counts[i++])
            means[i] = counts[i] == 0 ? float.NaN : (float)(values.AsSpan(row, counts[i]).ToArray().Sum(v => (double)v) / counts[i]);
        return means;
    }

    /// <summary>
    /// Vocabularies are wide: their logits are never held for all rows at once. That way has no place for factors or a tap at the output.
    /// </summary>
    private static bool IsWide(Transformer model, Pass pass)
    {
        var output = model.Head!.Output;
        return model.Architecture.Task != ModelTask.Classification && output.Parts.All(p => p.Lora is null)
            && (pass.Members is null || pass.Members.All(member => member.Layers![output].IsBare))
            && (pass.Tap is null || !output.Slots.Any(s => s.IsTrainable));
    }
}
