using FedLora.Benchmarks.Training;
using FedLora.Training.Data;
using FedLora.Training.Libtorch;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Benchmarks.Inference;

/// <summary>A case as our engine evaluates it, or generates from it.</summary>
internal sealed class InferenceSubject : IDisposable
{
    /// <summary>Tokens to generate.</summary>
    public const int New = 64;

    private readonly TrainingJob _job;
    private readonly BaseModel _model;

    /// <param name="folder">As <see cref="TrainingFolder"/> writes it.</param>
    /// <param name="compute">Type of the weights and the products.</param>
    public InferenceSubject(string folder, ComputeType compute)
    {
        LibtorchLoader.UseThreads(Environment.ProcessorCount);
        _job = TrainingFolder.ReadJob(folder);
        _model = BaseModel.Load(folder, new LoadOptions { Compute = compute });
    }

    /// <summary>The mean loss of all texts, as many at once as fit.</summary>
    public double Evaluate(CancellationToken cancellationToken) => Evaluator.Run(_model.Transformer,
        [.. _job.Sequences.Select((tokens, i) => _job.Kind == "causal" ? new Example(tokens) { Labels = tokens }
            : new Example(tokens) { Class = _job.Classes![i] })], cancellationToken: cancellationToken).Loss;

    /// <summary>The likeliest tokens after the prompt.</summary>
    public int[] Generate(CancellationToken cancellationToken) =>
        [.. TextGenerator.Run(_model.Transformer, _job.Sequences[0], new GenerationSettings { MaxNewTokens = New }, cancellationToken)];

    public void Dispose() => _model.Dispose();
}
