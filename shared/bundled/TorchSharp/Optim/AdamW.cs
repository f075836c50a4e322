using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Adam with decoupled weight decay (Loshchilov, Hutter 2019).</summary>
public class AdamW : OptimizerHelper
{
    private readonly double _epsilon;
    private readonly double _weightDecay;
    private readonly bool _amsgrad;
    private readonly bool _maximize;
    private readonly State?[] _states;

    public AdamW(
        IEnumerable<Parameter> parameters, double lr = 0.001, double beta1 = 0.9, double beta2 = 0.999, double eps = 1E-08, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        : base(parameters, lr)
    {
        (Betas, _epsilon, _weightDecay, _amsgrad, _maximize) = ((beta1, beta2), eps, weight_decay, amsgrad, maximize);
        _states = new State?[this.parameters().Count()];
    }

    public (double, double) Betas { get; set; }

    protected override void Dispose(bool disposing)
    {
        foreach (var state in disposing ? _states : [])
            state?.Dispose();
        base.Dispose(disposing);
    }

    internal override void Update(int index, Parameter parameter, Tensor gradient, double learningRate)
    {
        var state = _states[index] ??= new State(parameter, _amsgrad);
        var (beta1, beta2) = Betas;
        if (_maximize)
            gradient = -gradient;
        state.Steps++;
        parameter.mul_(1 - learningRate * _weightDecay);
        state.Mean.mul_(beta1).add_(gradient, 1 - beta1);
        state.Square.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
        var square = state.Square;
        if (state.Largest is { } largest)
            square = largest.copy_(maximum(largest, square));
        var denominator = square.sqrt().div_(Math.Sqrt(1 - Math.Pow(beta2, state.Steps))).add_(_epsilon);
        parameter.addcdiv_(state.Mean, denominator, -learningRate / (1 - Math.Pow(beta1, state.Steps)));
    }

    private sealed class State(Parameter parameter, bool amsgrad) : IDisposable
    {
        internal readonly Tensor Mean = parameter.zeros_like().DetachFromDisposeScope();
        internal readonly Tensor Square = parameter.zeros_like().DetachFromDisposeScope();
        internal readonly Tensor? Largest = amsgrad ? parameter.zeros_like().DetachFromDisposeScope() : null;
        internal int Steps;

        public void Dispose()
        {
            Mean.Dispose();
            Square.Dispose();
            Largest?.Dispose();
        }
    }
}
