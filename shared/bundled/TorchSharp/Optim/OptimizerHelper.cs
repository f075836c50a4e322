using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What the optimisers share: one group of parameters and their state tensors.</summary>
public abstract class OptimizerHelper : optim.Optimizer
{
    private readonly Parameter[] _parameters;
    private readonly Group _group;

    internal OptimizerHelper(IEnumerable<Parameter> parameters, double learningRate) =>
        (_parameters, _group) = ([.. parameters], new Group { LearningRate = learningRate, InitialLearningRate = learningRate });

    public override IEnumerable<optim.ILearningRateController> ParamGroups => [_group];

    public override IEnumerable<Parameter> parameters() => _parameters;

    public override void zero_grad()
    {
        foreach (var parameter in _parameters)
        {
            using var gradient = parameter.grad;
            gradient?.zero_();
        }
    }

    public override Tensor? step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
        {
            using var recording = enable_grad();
            loss = closure();
        }
        using var constant = no_grad();
        using var scope = NewDisposeScope();
        for (var k = 0; k < _parameters.Length; k++)
        {
            if (_parameters[k].grad is { } gradient)
                Update(k, _parameters[k], gradient, _group.LearningRate);
        }
        return loss;
    }

    internal abstract void Update(int index, Parameter parameter, Tensor gradient, double learningRate);

    private sealed class Group : optim.ILearningRateController
    {
        public double LearningRate { get; set; }

        public double InitialLearningRate { get; set; }
    }
}
