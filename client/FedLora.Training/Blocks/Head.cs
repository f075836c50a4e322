using FedLora.Training.Kernels;
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
        return Capped(Output.Forward(features, pass, rows)).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of some words, by weight and bias alone: rows x count, float32 or the weight's type.</summary>
    public Tensor Logits(Tensor features, long first, long count)
    {
        using var scope = NewDisposeScope();
        var weight = Output.Weight.Value.narrow(0, first, count);
        var logits = features.to(weight.dtype).Times(weight.t());
        if (Output.Bias is { } bias)
            logits = logits.to(ScalarType.Float32).Plus(bias.Value.narrow(0, first, count));
        return Capped(logits).MoveToOuterDisposeScope();
    }

    private Tensor Capped(Tensor logits) =>
        SoftCap is { } cap ? tanh(logits.to(ScalarType.Float32).div(Held(cap))).mul(Held(cap)) : logits;

    public void Dispose()
    {
        Dense?.Dispose();
        denseNorm?.Dispose();
        Output.Dispose();
    }
}
