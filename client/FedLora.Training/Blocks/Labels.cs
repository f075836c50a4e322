using FedLora.Training.Data;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>What a batch is to be judged by: which rows, and what is right there.</summary>
/// <param name="Rows">The rows with a label, in the batch's order.</param>
/// <param name="Targets">The right class or word of each, int64.</param>
public sealed record Labels(RowSet Rows, Tensor Targets)
{
    /// <summary>All labelled rows.</summary>
    public int Count => Rows.Counts.Sum();

    /// <summary>The labels of a batch for the task that its model was loaded for.</summary>
    /// <exception cref="FedLoraException"><c>example-invalid</c>: an example without class, or with one that the model does not
    /// have.</exception>
    public static Labels Of(Batch batch, Architecture model, Device device)
    {
        if (model.Task == ModelTask.Classification)
        {
            var classes = batch.Examples.Select(e => e.Class is { } right && (uint)right < (uint)model.Labels.Count ? (long)right
                : throw new FedLoraException("example-invalid",
                    $"An example has the class {e.Class?.ToString() ?? "none"}; this model has {model.Labels.Count}.",
                    "Check the data's labels against the federation's list."));
            return new Labels(Pooled(batch, model, device), tensor(classes.ToArray(), device: device));
        }
        var shift = model.Task == ModelTask.CausalLanguageModelling ? 1 : 0;
        var (counts, rows, targets) = (new int[batch.Examples.Count], new List<int>(), new List<long>());
        for (int i = 0, first = 0; i < counts.Length; first += batch.Lengths[i++])
        {
            var labels = batch.Examples[i].Labels ?? [];
            var summary = shift == 0 ? batch.Examples[i].Summary ?? [] : [];
            rows.AddRange(Enumerable.Repeat(first, summary.Length));
            targets.AddRange(summary.Select(word => (long)word));
            counts[i] = summary.Length;
            for (var place = shift; place < labels.Length; place++)
            {
                if (labels[place] == Example.NoLabel)
                    continue;
                rows.Add(first + place - shift);
                targets.Add(labels[place]);
                counts[i]++;
            }
        }
        return new Labels(RowSet.Of(counts, rows, device), tensor(targets.ToArray(), device: device));
    }

    /// <summary>How many labels an example has for a task.</summary>
    public static int CountOf(Example example, Architecture model) => model.Task == ModelTask.Classification
        ? (example.Class is null ? 0 : 1)
        : (example.Labels?.Skip(model.Task == ModelTask.CausalLanguageModelling ? 1 : 0).Count(l => l != Example.NoLabel) ?? 0)
            + (model.Task == ModelTask.MaskedLanguageModelling ? example.Summary?.Length ?? 0 : 0);

    /// <summary>The row of each example that a classifier reads: the first, or the last that is not padding.</summary>
    public static RowSet Pooled(Batch batch, Architecture model, Device device)
    {
        var (rows, first) = (new int[batch.Examples.Count], 0);
        for (var i = 0; i < rows.Length; i++)
        {
            var tokens = batch.Examples[i].Tokens;
            var last = model.PadToken is { } pad ? Array.FindLastIndex(tokens, t => t != pad) : tokens.Length - 1;
            rows[i] = first + (model.Names.Head.ReadsLastToken ? Math.Max(last, 0) : 0);
            first += batch.Lengths[i];
        }
        return RowSet.Of([.. rows.Select(_ => 1)], rows, device);
    }
}
