using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Stochastic gradient descent with optional momentum.</summary>
public class SGD : OptimizerHelper
{
    private readonly double _momentum;
    private readonly double _dampening;
    private readonly double _weightDecay;
    private readonly bool _nesterov;
    private readonly bool _maximize;
    private readonly Tensor?[] _buffers;

    public SGD(
        IEnumerable<Parameter> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
        : base(parameters, lr)
    {
        (_momentum, _dampening, _weightDecay, _nesterov, _maximize) = (momentum, dampening, weight_decay, nesterov, maximize);
        _buffers = new Tensor?[this.parameters().Count()];
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var buffer in disposing ? _buffers : [])
            buffer?.Dispose();
        base.Dispose(disposing);
    }

    internal override void Update(int index, Parameter parameter, Tensor gradient, double learningRate)
    {
        if (_weightDecay != 0)
            gradient = gradient.add(parameter, _weightDecay);
        if (_momentum != 0)
        {
            if (_buffers[index] is { } buffer)
                buffer.mul_(_momentum).add_(gradient, 1 - _dampening);
            else
                _buffers[index] = gradient.clone().detach_().DetachFromDisposeScope();
            gradient = _nesterov ? gradient.add(_buffers[index]!, _momentum) : _buffers[index]!;
        }
        parameter.add_(gradient, _maximize ? learningRate : -learningRate);
    }
}
