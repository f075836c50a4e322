using FedLora.Federations.Definitions;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Optimization;

/// <summary>Changes a flat vector by its gradient, in place and as PyTorch's optimiser of that name does.</summary>
public interface IOptimizer : IDisposable
{
    /// <summary>One step.</summary>
    /// <param name="values">What is trained.</param>
    /// <param name="gradient">Its gradient; may be overwritten.</param>
    /// <param name="learningRate">The rate of this step.</param>
    void Step(Tensor values, Tensor gradient, double learningRate);
}

/// <summary>The optimisers that a definition may name.</summary>
internal static class Optimizers
{
    /// <summary>A new one.</summary>
    public static IOptimizer Create(TrainingSpec training) =>
        training.Optimizer == "sgd" ? new Sgd(training.WeightDecay) : new AdamW(training.WeightDecay);
}

/// <summary>w -= rate * (g + decay * w).</summary>
public sealed class Sgd(double weightDecay = 0) : IOptimizer
{
    public void Step(Tensor values, Tensor gradient, double learningRate)
    {
        if (weightDecay != 0)
            gradient.add_(values, Held(weightDecay));
        values.add_(gradient, Held(-learningRate));
    }

    public void Dispose()
    {
    }
}

/// <summary>
/// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101): m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
/// w = w (1 - rate * decay) - rate * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps).
/// </summary>
public sealed class AdamW(double weightDecay = 0.01, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8) : IOptimizer
{
    private Tensor? _mean;
    private Tensor? _square;
    private int _steps;

    /// <summary>Goes on where another of as many values stood; of another count there is nothing to go on with.</summary>
    public void Recall(OptimizerMemory memory, Tensor values)
    {
        if (memory.Steps == 0 || memory.Mean.Length != values.numel() || memory.Square.Length != values.numel())
            return;
        _steps = memory.Steps;
        _mean = tensor(memory.Mean, device: values.device).DetachFromDisposeScope();
        _square = tensor(memory.Square, device: values.device).DetachFromDisposeScope();
    }

    /// <summary>What is remembered now.</summary>
    public OptimizerMemory Remember()
    {
        return _mean is null || _square is null ? OptimizerMemory.Empty : new(_steps, Host(_mean), Host(_square));

        static float[] Host(Tensor values)
        {
            using var host = values.cpu();
            return host.data<float>().ToArray();
        }
    }

    public void Step(Tensor values, Tensor gradient, double learningRate)
    {
        _mean ??= zeros_like(values).DetachFromDisposeScope();
        _square ??= zeros_like(values).DetachFromDisposeScope();
        _steps++;
        _mean.mul_(Held(beta1)).add_(gradient, Held(1 - beta1));
        _square.mul_(Held(beta2)).addcmul_(gradient, gradient, Held(1 - beta2));
        using var divisor = _square.sqrt();
        divisor.div_(Held(Math.Sqrt(1 - Math.Pow(beta2, _steps)))).add_(Held(epsilon));
        if (weightDecay != 0)
            values.mul_(Held(1 - (learningRate * weightDecay)));
        values.addcdiv_(_mean, divisor, Held(-learningRate / (1 - Math.Pow(beta1, _steps))));
    }

    public void Dispose()
    {
        _mean?.Dispose();
        _square?.Dispose();
    }
}
