using FedLora.Training.Blocks;
using FedLora.Training.Data;
using static TorchSharp.torch;

namespace FedLora.Training.Running;

/// <summary>The gradient of the mean loss over all labels of the batch, one micro-batch after the other.</summary>
/// <param name="rowsAtOnce">See <see cref="MicroBatches.RowsAtOnce"/>.</param>
/// <param name="dropout">Source of LoRA's dropout, or null for none.</param>
public sealed class PlainStep(int rowsAtOnce, Generator? dropout) : IGradientStep
{
    public StepLoss Run(Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, CancellationToken cancellationToken) =>
        SharedPasses.Run(model, [new StepMember(new PlainShare(parameters, dropout), examples, null)], rowsAtOnce, cancellationToken)[0];
}

/// <summary>A node's part of a step without privacy: every label of its batch counts alike.</summary>
internal sealed class PlainShare(ParameterSet parameters, Generator? dropout) : IStepShare
{
    private int _total;
    private double _loss;

    public ParameterSet Parameters => parameters;

    public Generator? Dropout => dropout;

    public void Begin(int labels)
    {
        parameters.ClearGradient();
        (_total, _loss) = (labels, 0);
    }

    public IGradientTap? Open(int examples) => null;

    public float[] Weights(IReadOnlyList<int> labels)
    {
        var weights = new float[labels.Sum()];
        Array.Fill(weights, (float)(1.0 / _total));
        return weights;
    }

    public void Close(double loss, IReadOnlyList<int> labels) => _loss += loss;

    public double End() => _total == 0 ? double.NaN : _loss;
}
