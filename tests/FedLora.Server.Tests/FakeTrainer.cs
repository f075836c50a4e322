using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using static FedLora.Federations.Definitions.DefinitionTerms;

namespace FedLora.Server.Tests;

/// <summary>Stands for a model: adds a number of its own to every entry that the method sends.</summary>
internal sealed class FakeTrainer(float step) : IRoundTrainer
{
    internal const string Fingerprint = "aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa11";

    /// <summary>How often each round was trained.</summary>
    internal List<uint> Trained { get; } = [];

    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    /// <summary>Ends when its node, enrolled, first asks for work.</summary>
    internal Task Asked => _asked.Task;

    /// <summary>Of the model that it stands for.</summary>
    internal string Model { get; init; } = Fingerprint;

    string IRoundTrainer.Fingerprint
    {
        get
        {
            _asked.TrySetResult();
            return Model;
        }
    }

    public string? Refuses(TrainingTask task) => task.Definition.BaseModel.Fingerprint == Model ? null : "another base model";

    public VectorLayout SparseLayout(TrainingTask task) =>
        new(Bench.Define(task.Definition.Method, 1, 1).ToModel().ToLayout()
            .Tensors(Methods.Get(task.Definition.Method).Sent((int)task.Round, FedLora.Aggregation.MethodOptions.Default)));

    public bool IsSilent { get; init; }

    /// <summary>Called when a round is trained, before its update is handed on.</summary>
    internal Action OnTrained { get; init; } = () => { };

    /// <summary>Thrown by every round, once it is charged, if any.</summary>
    internal Exception? Fault { get; init; }

    public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        if (input.Task.Definition.Privacy is not null)
            _ = input.Charge([new byte[32]]);
        if (Fault is not null)
            throw Fault;
        Trained.Add(input.Task.Round);
        var sent = input.Global.Only(
            Methods.Get(input.Task.Definition.Method).Sent((int)input.Task.Round, FedLora.Aggregation.MethodOptions.Default));
        progress.Report(new TrainingProgress(1, 1, 0.5));
        var update = new AdapterState(
            sent.Select(tensor => new AdapterTensor(tensor.Name, tensor.Shape, [.. tensor.Values.Select(value => value + step)])));
        OnTrained();
        return new RoundOutput(sent, update, 10, 1, 0.5);
    }

    public void Dispose()
    {
    }
}
