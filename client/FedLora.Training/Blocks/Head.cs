using FedLora.Training.Models;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>From hidden states to logits, row by row.</summary>
public sealed class Head(Projection? dense, Activation denseActivation, Norm? denseNorm, Projection output, double? softCap) : IDisposable
{
    public Projection? Dense { get; } = dense;

    public Projection Output { get; } = output;

    /// <summary>logits = c tanh(logits / c), or null.</summary>
    public double? SoftCap { get; } = softCap;

    public IEnumerable<Projection> Projections => Dense is null ? [Output] : [Dense, Output];

    public IEnumerable<Norm> Norms => denseNorm is null ? [] : [denseNorm];

    /// <summary>What the last layer takes.</summary>
    public Tensor Features(Tensor hidden, Pass pass, IReadOnlyList<int> rows)
    {
        if (Dense is null)
            return hidden.alias();
        using var scope = NewDisposeScope();
        var features = Activations.Apply(denseActivation, Dense.Forward(hidden, pass, rows));
        return (denseNorm?.Forward(features) ?? features).MoveToOuterDisposeScope();
    }

    /// <summary>rows x classes or words.</summary>
    public Tensor Logits(Tensor features, Pass pass, IReadOnlyList<int> rows)
    {
        using var scope = NewDisposeScope();
        var logits = Output.Forward(features, pass, rows);
        return (SoftCap is { } cap ? tanh(logits.div(Held(cap))).mul(Held(cap)) : logits).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Dense?.Dispose();
        denseNorm?.Dispose();
        Output.Dispose();
    }
}
