using FedLora.Training.Blocks;
using FedLora.Training.Data;
using static TorchSharp.torch;

namespace FedLora.Training.Running;

/// <summary>The gradient of the mean loss over all labels of the batch, one micro-batch after the other.</summary>
/// <param name="rowsAtOnce">See <see cref="TrainingSettings.RowsAtOnce"/>.</param>
/// <param name="dropout">Source of LoRA's dropout, or null for none.</param>
public sealed class PlainStep(int rowsAtOnce, Generator? dropout) : IGradientStep
{
    public StepLoss Run(Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, CancellationToken cancel)
    {
        parameters.ClearGradient();
        var pieces = MicroBatches.Split(examples, model.Architecture, rowsAtOnce).ToArray();
        var total = pieces.Sum(piece => piece.Sum(e => Labels.CountOf(e, model.Architecture)));
        var (loss, rows) = (0.0, 0);
        foreach (var piece in pieces)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = model.Pack(piece);
            rows += batch.Rows;
            var labels = Labels.Of(batch, model.Architecture, model.Device);
            if (labels.Count == 0)
                continue;
            var weights = full([labels.Count], 1.0 / total, ScalarType.Float32, model.Device);
            var (sum, _) = Objective.Run(model, new Pass(batch) { Dropout = dropout }, labels, weights);
            sum.backward();
            Handover.Clear();
            loss += sum.item<float>();
        }
        return new StepLoss(total == 0 ? double.NaN : loss, rows);
    }
}
