using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Libtorch;
using FedLora.Training.Lora;
using FedLora.Training.Models;
using FedLora.Training.Privacy;
using FedLora.Training.Running;

namespace FedLora.Benchmarks.Training;

/// <summary>A training case as our engine trains it: base model, adapter, examples.</summary>
internal sealed class TrainingSubject : IDisposable
{
    private readonly TrainingJob _job;
    private readonly BaseModel _model;
    private readonly AdapterBinding _binding;
    private readonly ParameterSet _parameters;
    private readonly Example[] _examples;

    /// <param name="folder">As <see cref="TrainingFolder"/> writes it.</param>
    /// <param name="compute">Type of the frozen weights and the products.</param>
    public TrainingSubject(string folder, ComputeType compute)
    {
        LibtorchLoader.UseThreads(Environment.ProcessorCount);
        _job = TrainingFolder.ReadJob(folder);
        var causal = IsCausal(_job);
        _model = BaseModel.Load(folder, new LoadOptions { Compute = compute });
        var layout = _model.LayoutFor(Settings(_job));
        _binding = new AdapterBinding(_model.Transformer, Methods.Get("fedit").Initialize(layout, new MethodOptions(), 1), layout);
        _parameters = new ParameterSet(_binding.Slots(Factors.A | Factors.B | Factors.Head), _model.Transformer.Device);
        _examples = [
            .. _job.Sequences.Select(
                (tokens, i) => causal ? new Example(tokens) { Labels = tokens } : new Example(tokens) { Class = _job.Classes![i] })];
    }

    /// <summary>The adapter's.</summary>
    public static PeftConfig Settings(TrainingJob job) => new()
    {
        Rank = job.Rank,
        Alpha = job.Alpha,
        TargetModules = PeftModules.Of(job.Targets),
        ModulesToSave = IsCausal(job) ? [] : ["classifier"],
    };

    private static bool IsCausal(TrainingJob job) => job.Kind == "causal";

    /// <summary>Steps of one pass over all sequences.</summary>
    public int StepsOfAPass => (_examples.Length + _job.Batch - 1) / _job.Batch;

    /// <summary>Trains on from where it is.</summary>
    public TrainingSummary Train(int steps, ulong seed, CancellationToken cancellationToken) =>
        Train(steps, seed, isPrivate: false, cancellationToken);

    /// <summary>Trains on from where it is; privately with the same batches, since what is compared is the step.</summary>
    public TrainingSummary Train(int steps, ulong seed, bool isPrivate, CancellationToken cancellationToken)
    {
        var training = new TrainingSpec { LocalSteps = steps, BatchSize = _job.Batch, LearningRate = _job.Rate, WeightDecay = 0 };
        var step = isPrivate ? new PrivateStep(clipNorm: 1, noiseMultiplier: 1, training.BatchSize, MicroBatches.RowsAtOnce) : null;
        return new Trainer()
            .Run(_model.Transformer, _parameters, _examples, training, seed, gradient: step, cancellationToken: cancellationToken);
    }

    public void Dispose()
    {
        _parameters.Dispose();
        _binding.Dispose();
        _model.Dispose();
    }
}
