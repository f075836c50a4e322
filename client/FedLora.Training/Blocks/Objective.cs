using FedLora.Training.Kernels;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>The loss: cross-entropy at the labelled rows, weighted row by row and summed.</summary>
public static class Objective
{
    /// <summary>Logits that lie in memory at once where they are judged.</summary>
    private const long JudgedNumbers = 1 << 23;

    /// <summary>Words that are judged at once.</summary>
    private const long JudgedWords = 2048;

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
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var head = model.Head ?? throw new InvalidOperationException("This model was loaded without head.");
        var features = head.Features(model.Hidden(pass, labels.Rows), pass, labels.Rows.Counts);
        var isHost = features.device_type == TorchSharp.DeviceType.CPU;
        var words = head.Output.Weight.Value.shape[0];
        // Some words for many rows: a product makes its weight ready first, for few rows as for many.
        var part = isHost && IsWide(model, pass) ? Math.Min(words, JudgedWords) : words;
        var rows = Math.Max(1, JudgedNumbers / part);
        var kernel = isHost ? new JudgeKernel(labels.Targets) : null;
        var pieces = new List<Tensor[]>();
        for (var start = 0L; start < labels.Count; start += rows)
        {
            var count = Math.Min(rows, labels.Count - start);
            for (var word = 0L; word < words; word += part)
            {
                using var step = NewDisposeScope();
                var x = features.narrow(0, start, count);
                var logits = part == words ? head.Logits(x, pass, labels.Rows.Counts) : head.Logits(x, word, Math.Min(part, words - word));
                if (kernel is not null)
                    kernel.Add(logits, start, word);
                else
                    pieces.Add(Array.ConvertAll(Judge(logits, labels.Targets.narrow(0, start, count)), of => of.MoveToOuterDisposeScope()));
            }
        }
        var judged = kernel?.Result() ?? [.. Enumerable.Range(0, 3).Select(i => cat([.. pieces.Select(piece => piece[i])], 0))];
        return (judged[0].MoveToOuterDisposeScope(), judged[1].MoveToOuterDisposeScope(), judged[2].MoveToOuterDisposeScope());
    }

    private static Tensor[] Judge(Tensor logits, Tensor targets)
    {
        var logs = nn.functional.log_softmax(logits, -1);
        var (highest, first) = logs.max(1);
        return [logs.gather(1, targets.unsqueeze(1)).squeeze(1).neg(), first, highest.exp()];
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
