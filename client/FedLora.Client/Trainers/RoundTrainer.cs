using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.Hosting;
using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Federations.Definitions;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Data;
using FedLora.Training.Libtorch;
using FedLora.Training.Memory;
using FedLora.Training.Models;
using FedLora.Training.Privacy;
using FedLora.Training.Running;
using BaseModel = FedLora.Training.Models.BaseModel;
using FederationDefinition = FedLora.Federations.Definitions.FederationDefinition;

namespace FedLora.Client.Trainers;

/// <summary>Trains rounds with the training engine on the node's own model and data.</summary>
public sealed class RoundTrainer : IRoundTrainer
{
    private readonly string _folder;
    private readonly LoadedModel _model;
    private readonly INodeData _data;

    private ulong? SimulatedSeed { get; init; }

    private RoundTrainer(string modelFolder, INodeData data, string fingerprint) =>
        (Fingerprint, _folder, _model, _data) = (fingerprint, modelFolder, new LoadedModel(modelFolder), data);

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <summary>
    /// Looks at model, tokenizer or image processor, and data, so that what no federation could use is said at the start, not in the first
    /// round.
    /// </summary>
    /// <exception cref="FedLoraException">
    /// <c>model-folder-missing</c>, <c>model-config-invalid</c>, <c>safetensors-invalid</c>, <c>tokenizer-missing</c>,
    /// <c>tokenizer-invalid</c>, <c>data-missing</c>,
    /// <c>data-invalid</c>, <c>data-empty</c>, ...
    /// </exception>
    public static RoundTrainer Create(ClientOptions options, CancellationToken cancellationToken = default) => new(options.Model,
        new NodeData(options.Data, options.Model, options.SkipBadLines, options.Unit), Look(options, cancellationToken));

    /// <inheritdoc cref="Create"/>
    /// <returns>The base model's fingerprint.</returns>
    internal static string Look(ClientOptions options, CancellationToken cancellationToken)
    {
        if (options.Threads > 0)
            LibtorchLoader.UseThreads(options.Threads);
        var found = ModelFingerprint.Of(options.Model);
        _ = ModelInput.Load(options.Model);
        // A text or an image is what both tasks want of a line; labels are a federation's own.
        _ = DataFile.Read(options.Data,
            new DataSettings(TextTask.CausalLanguageModelling, 0, [], options.SkipBadLines ? BadLines.Skip : BadLines.Stop, options.Unit),
                cancellationToken);
        return found;
    }

    /// <summary>
    /// A simulation's trainer, which is several nodes in turn, on one copy of the base model: <paramref name="data"/> gives the examples of
    /// whichever trains next. Under privacy it trains on the receipt's terms, with sampling and noise that follow from the round's seed and
    /// <paramref name="seed"/>, so that it can be repeated: what comes of it protects nobody.
    /// </summary>
    internal static RoundTrainer Simulated(string modelFolder, INodeData data, ulong seed) =>
        new(modelFolder, data, ModelFingerprint.Of(modelFolder)) { SimulatedSeed = seed };

    /// <summary>The base model with these products folded in; valid until the next call of this trainer.</summary>
    public BaseModel ModelFor(FederationDefinition definition, IReadOnlyList<AdapterState> folds) => _model.Get(definition, folds);

    /// <inheritdoc/>
    public string? Refuses(TrainingTask task) => Refuses(task.Definition.ToModel(), Fingerprint);

    /// <summary>Why no trainer on a base model can train a federation, in one line; null if one can.</summary>
    internal static string? Refuses(FederationDefinition federation, string fingerprint)
    {
        if (federation.BaseModel.Fingerprint != fingerprint)
            return $"its base model is {federation.BaseModel.Name} ({federation.BaseModel.Fingerprint}), this node's is another "
                + $"({fingerprint})";
        if (Methods.All.All(method => method.Name != federation.Method))
            return $"this program does not know method '{federation.Method}'; update it";
        return null;
    }

    /// <inheritdoc/>
    public MemoryEstimate? MemoryOf(TrainingTask task)
    {
        var definition = task.Definition.ToModel();
        // What else a coordinator states of the task makes it larger, and never overflows into a small one.
        var rank = Math.Min(task.Rank, (uint)definition.Lora.RankGroups.Values.Append(definition.Lora.Rank).Max());
        var estimate = TaskMemory.Of(definition, _folder, (int)task.Round, (int)rank);
        // Received, and as numbers.
        var folds = 2 * task.Fold.SelectMany(fold => fold.Parts).Sum(part => Math.Max(0.0, part.Size));
        return estimate with { Adapter = estimate.Adapter + (long)Math.Min(folds, long.MaxValue / 4) };
    }

    /// <inheritdoc/>
    public VectorLayout SparseLayout(TrainingTask task)
    {
        var definition = task.Definition.ToModel();
        var loaded = _model.Get(definition);
        var layout = loaded.LayoutFor(DefinitionSettings.Peft(definition, loaded.Architecture));
        return new VectorLayout(layout.Tensors(definition.SentFactors((int)task.Round)));
    }

    /// <inheritdoc/>
    public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        var ready = Prepare(input, cancellationToken);
        return Finish(ready, LocalTraining.Run(ready.Model, ready.Node.Task, ready.Node.Examples, new Relay(progress), cancellationToken));
    }

    /// <summary>All of a round before its first step; under privacy it is charged.</summary>
    internal ReadyRound Prepare(RoundInput input, CancellationToken cancellationToken)
    {
        var definition = input.Task.Definition.ToModel();
        var method = Methods.Get(definition.Method);
        var settings = definition.ToMethodOptions();
        var loaded = _model.Get(definition, input.Fold);
        var (read, identities) = _data.Read(definition, cancellationToken);
        var layout = loaded.LayoutFor(DefinitionSettings.Peft(definition, loaded.Architecture));
        var round = (int)input.Task.Round;
        var start = method.Start(input.Global, KeptFactors.Load(input.Folder, input.Task.Round),
            new NodeTerms(layout, settings, round, definition.Seed, (int)input.Task.Rank));
        var task = new LocalTask(start, method.Trained(round, settings), definition.TrainingOf(round))
        {
            Seed = input.Seed,
            Recalled = definition.Training.KeepOptimizer ? KeptOptimizer.Load(input.Folder, input.Task.Round) : null,
            Dropout = definition.Lora.Dropout,
            Units = read.Units,
        };
        // Before anything is written down. Under privacy it would tell of the data, and the noise goes out as ever.
        var examples = definition.Privacy is null ? Trainer.Learnable(read.Examples, loaded.Transformer).Count : 0;
        if (input.Charge(identities) is { } receipt)
        {
            var terms = new PrivateTerms(receipt.Run.NoiseMultiplier, receipt.Run.SamplingRate, receipt.ClipNorm);
            task = task with { Privacy = SimulatedSeed is { } seed ? terms.Simulated(input.Seed ^ seed) : terms };
        }

        return new(input, definition, loaded, new CohortNode(task, read.Examples), examples);
    }

    /// <summary>All of a round after its last step.</summary>
    internal static RoundOutput Finish(ReadyRound ready, LocalResult result)
    {
        var (input, method, settings) = (ready.Input, Methods.Get(ready.Definition.Method), ready.Definition.ToMethodOptions());
        KeptFactors.Save(input.Folder, input.Task.Round, result.Adapter.Only(method.Kept(settings)));
        if (result.Summary.Optimizer is { } memory)
            KeptOptimizer.Save(input.Folder, input.Task.Round, memory);
        var sent = method.Sent((int)input.Task.Round, settings);
        var loss = result.Summary.MeanLoss;
        return new RoundOutput(ready.Node.Task.Start.Adapter.Only(sent), result.Adapter.Only(sent), ready.Learnable,
            result.Summary.Losses.Count, double.IsNaN(loss) ? null : loss);
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    private sealed class Relay(IProgress<TrainingProgress> progress) : IProgress<TrainingReport>
    {
        public void Report(TrainingReport value) =>
            progress.Report(new TrainingProgress(value.Step, value.Steps, double.IsNaN(value.Loss) ? null : value.Loss));
    }
}

/// <summary>A round that is ready to be trained.</summary>
/// <param name="Model">Its base model, valid until the trainer prepares one with other folds.</param>
/// <param name="Node">What is trained, on what.</param>
/// <param name="Learnable">Examples that the node trains on; 0 under privacy.</param>
internal sealed record ReadyRound(RoundInput Input, FederationDefinition Definition, BaseModel Model, CohortNode Node, long Learnable);
