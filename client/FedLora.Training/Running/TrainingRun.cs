using FedLora.Federations;
using FedLora.Federations.Definitions;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Optimization;
using TorchSharp;
using static FedLora.Training.Kernels.Scalars;

namespace FedLora.Training.Running;

/// <summary>Training step by step, whoever computes the gradients: which examples are next, and what their gradient changes.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly Transformer _model;
    private readonly ParameterSet _parameters;
    private readonly IReadOnlyList<Example> _examples;
    private readonly TrainingSpec _training;
    private readonly IBatchSampler _sampler;
    private readonly IOptimizer _optimizer;
    private readonly LearningRate _rates;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly bool _keeps;
    private readonly List<double> _losses = [];
    private IReadOnlyList<Example> _batch = [];
    private long _rows;
    private long _seen;

    /// <param name="sampler">Chooses each step's examples; null for shuffled passes over all that have something to learn.</param>
    /// <param name="recalled">As <see cref="LocalTask.Recalled"/>.</param>
    /// <exception cref="FedLoraException"><c>data-empty</c>, <c>data-nothing-to-learn</c>,
    /// <see cref="RefusalCodes.DefinitionInvalid"/>.</exception>
    public TrainingRun(Transformer model, ParameterSet parameters, IReadOnlyList<Example> examples, TrainingSpec training, ulong seed,
        IBatchSampler? sampler, TimeProvider time, OptimizerMemory? recalled = null)
    {
        DefinitionRules.Check(training);
        if (examples.Count == 0)
            throw new FedLoraException("data-empty", "There are no examples to train on.",
                "Check the data file and what was left out of it.");
        _examples = sampler is null ? Trainer.Learnable(examples, model) : examples;
        (_model, _parameters, _training, _time) = (model, parameters, training, time);
        _sampler = sampler ?? new ShuffledSampler(_examples.Count, training.BatchSize, seed);
        (_optimizer, _rates, _start) = (Optimizers.Create(training), LearningRate.Of(training), time.GetTimestamp());
        _keeps = recalled is not null;
        if (recalled is not null && _optimizer is AdamW adam)
            adam.Recall(recalled, parameters.Values);
    }

    /// <summary>Whether all steps are done.</summary>
    public bool IsDone => _losses.Count == _training.LocalSteps;

    /// <summary>What was done so far.</summary>
    public TrainingSummary Summary => new(_losses, _rows, _seen, _time.GetElapsedTime(_start))
    {
        Optimizer = _keeps && _optimizer is AdamW adam ? adam.Remember() : null,
    };

    /// <summary>The next step's logical batch.</summary>
    public IReadOnlyList<Example> Next() => _batch = Array.ConvertAll(_sampler.Next(), i => _examples[i]);

    /// <summary>Applies the gradient that lies in the parameters.</summary>
    /// <param name="found">What the passes over <see cref="Next"/> found.</param>
    /// <exception cref="FedLoraException"><c>training-diverged</c>.</exception>
    public TrainingReport Take(StepLoss found)
    {
        var step = _losses.Count;
        var labelled = _batch.Count(e => Labels.CountOf(e, _model.Architecture) > 0);
        if (double.IsInfinity(found.Loss) || (double.IsNaN(found.Loss) && labelled > 0))
            throw new FedLoraException("training-diverged", $"The loss became {found.Loss} at step {step + 1}.",
                "Lower the learning rate, or clip the gradient.");
        using (torch.no_grad())
            Apply(_rates.At(step));
        _losses.Add(found.Loss);
        (_rows, _seen) = (_rows + found.Rows, _seen + labelled);
        return new TrainingReport(step + 1, _training.LocalSteps, found.Loss,
            _rows / Math.Max(_time.GetElapsedTime(_start).TotalSeconds, 1e-9));
    }

    public void Dispose() => _optimizer.Dispose();

    private void Apply(double rate)
    {
        if (_training.MaxGradNorm is > 0 and var limit)
        {
            using var norm = _parameters.Gradient.norm();
            var length = norm.item<float>();
            if (length > limit)
                _parameters.Gradient.mul_(Held(limit / (length + 1e-6)));
        }
        _optimizer.Step(_parameters.Values, _parameters.Gradient, rate);
    }
}
