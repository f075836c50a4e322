using System.Security.Cryptography;
using System.Text;
using FedLora.Aggregation;
using FedLora.Client.Configuration;
using FedLora.Client.Privacy;
using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Data;
using FedLora.Training.Models;
using FedLora.Training.Privacy;
using FedLora.Training.Running;
using FedLora.Tokenizers;

namespace FedLora.Client.Training;

/// <summary>Trains rounds with the training engine on the node's own model and data.</summary>
public sealed class RoundTrainer : IRoundTrainer
{
    private readonly ClientOptions options;
    private readonly LoadedModel model;
    private readonly NodeData data;
    private readonly NodeLedger ledger;
    private readonly TimeProvider time;
    private readonly string fingerprint;

    private RoundTrainer(ClientOptions options, string fingerprint, TimeProvider time)
    {
        this.options = options;
        this.fingerprint = fingerprint;
        this.time = time;
        model = new LoadedModel(options.Model);
        data = new NodeData(options.Data, options.Model, options.SkipBadLines, options.Unit);
        ledger = NodeLedger.Open(options, time);
    }

    /// <inheritdoc/>
    public NodeProfile Profile
    {
        get
        {
            var profile = new NodeProfile
            {
                ModelFingerprints = { fingerprint },
                MaxRank = (uint)options.MaxRank,
                Version = typeof(RoundTrainer).Assembly.GetName().Version?.ToString() ?? "",
            };
            if (options.PublicCount > 0)
                profile.ExampleCount = (ulong)options.PublicCount;
            if (ledger.Balance() is { } balance)
                profile.Balances.Add(balance);
            return profile;
        }
    }

    /// <inheritdoc/>
    public string? Rests => options.Policy.IsOpen(TimeOnly.FromDateTime(time.GetLocalNow().DateTime)) ? null : $"the site's policy lets this node train only at {options.Policy.Hours}, local time";

    /// <summary>Looks at model, tokenizer, data and privacy ledger, so that what no federation could use is said at the start, not in the first round.</summary>
    /// <exception cref="FedLoraException">
    /// <c>model-folder-missing</c>, <c>model-config-invalid</c>, <c>safetensors-invalid</c>, <c>tokenizer-missing</c>, <c>tokenizer-invalid</c>, <c>data-missing</c>,
    /// <c>data-invalid</c>, <c>data-empty</c>, <c>ledger-damaged</c>, <c>ledger-in-use</c>, ...
    /// </exception>
    public static RoundTrainer Create(ClientOptions options, TimeProvider time)
    {
        // Text is what both tasks want of a line; labels are a federation's own.
        var settings = new DataSettings(TextTask.CausalLanguageModelling, 0, [], options.SkipBadLines ? BadLines.Skip : BadLines.Stop, options.Unit);
        var file = JsonLines.Read(options.Data, settings, CancellationToken.None);
        var found = ModelFingerprint.Of(options.Model);
        _ = Tokenizer.Load(Path.Combine(options.Model, "tokenizer.json"));
        var trainer = new RoundTrainer(options, found, time);
        try
        {
            trainer.ledger.Require(file.Identities);
            return trainer;
        }
        catch (FedLoraException)
        {
            trainer.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string? Refuses(TrainingTask task)
    {
        var federation = task.Definition;
        if (federation.BaseModel.Fingerprint != fingerprint)
            return $"its base model is {federation.BaseModel.Name} ({federation.BaseModel.Fingerprint}), this node's is another ({fingerprint})";
        if (Methods.All.All(method => method.Name != federation.Method))
            return $"this program does not know method '{federation.Method}'; update it";
        return options.Policy.Refuses(federation.Name, federation.Method, federation.BaseModel.Name, ExpectedBatch(federation), federation.Privacy is not null) ?? ledger.Refuses(federation, task.Round);
    }

    /// <inheritdoc/>
    public VectorLayout SparseLayout(TrainingTask task)
    {
        var loaded = model.Get(task.Definition, []);
        var layout = loaded.LayoutFor(DefinitionSettings.Peft(task.Definition, loaded.Architecture));
        return new VectorLayout(layout.Tensors(Methods.Get(task.Definition.Method).Sent((int)task.Round, MethodMapping.ToOptions(task.Definition))));
    }

    /// <inheritdoc/>
    public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        var definition = input.Task.Definition;
        var method = Methods.Get(definition.Method);
        var settings = MethodMapping.ToOptions(definition);
        var loaded = model.Get(definition, input.Fold);
        var (read, identities) = data.Read(definition, cancellation);
        var examples = read.Examples;
        var layout = loaded.LayoutFor(DefinitionSettings.Peft(definition, loaded.Architecture));
        var round = (int)input.Task.Round;
        var start = method.Start(input.Global, KeptFactors.Load(input.Folder, input.Task.Round), new NodeTerms(layout, settings, round, definition.Seed, (int)input.Task.Rank));
        var task = new LocalTask(start, method.Trained(round, settings), DefinitionSettings.Training(definition, input.Task.Round, SeedOf(input.Task))) { Dropout = definition.Lora.Dropout, Units = read.Units };
        // On disk before the first sample is drawn, and of what was read above.
        LedgerReceipt? receipt = null;
        if (definition.Privacy is null)
            ledger.RecordUnprotected(definition, input.Task.Round, identities);
        else
            receipt = ledger.Spend(definition, input.Task.Round, identities);
        if (receipt is not null)
            task = task with { Privacy = new PrivateTerms(receipt.Run.NoiseMultiplier, receipt.Run.SamplingRate, receipt.ClipNorm) };
        var result = LocalTraining.Run(loaded, task, examples, new Relay(progress, told: receipt is null), cancellation);
        KeptFactors.Save(input.Folder, input.Task.Round, result.Adapter.Only(method.Kept(settings)));
        var sent = method.Sent(round, settings);
        var (update, encoding) = SparseUplink.IsUsed(input.Task)
            ? (SparseUplink.Encode(input.Task, input.Folder, start.Adapter.Only(sent), result.Adapter.Only(sent), SeedOf(input.Task)), BlobEncoding.Sparse)
            : (result.Adapter.Only(sent).ToBytes(), BlobEncoding.Safetensors);
        // Neither count nor loss is paid for: under privacy they stay here.
        return receipt is not null
            ? new RoundOutput(update, encoding, 0, result.Summary.Losses.Count, null, Wire(receipt))
            : new RoundOutput(update, encoding, examples.Count, result.Summary.Losses.Count, double.IsNaN(result.Summary.MeanLoss) ? null : result.Summary.MeanLoss, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model.Dispose();
        ledger.Dispose();
    }

    // Under a stated rate the batch setting only divides; what is expected to be drawn follows from a stated count, if from anything.
    private double? ExpectedBatch(FederationDefinition federation) =>
        federation.Privacy is { SamplingRate: > 0 } terms ? terms.SamplingRate * ledger.StatedCount(federation) : federation.Training.BatchSize;

    private static PrivacyReceipt Wire(LedgerReceipt receipt) => new()
    {
        NoiseMultiplier = receipt.Run.NoiseMultiplier,
        SamplingRate = receipt.Run.SamplingRate,
        Steps = (uint)receipt.Run.Steps,
        ClipNorm = receipt.ClipNorm,
        Delta = receipt.Delta,
        EpsilonSpent = receipt.EpsilonSpent,
        EpsilonLimit = receipt.EpsilonLimit,
        DataSet = receipt.DataSet,
        EntryHash = receipt.EntryHash,
        EntrySequence = (ulong)receipt.Sequence,
    };

    // The order of the examples: the same for a round that is trained again, another in every round, and another at every site.
    private ulong SeedOf(TrainingTask task) =>
        BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{task.Definition.Seed}/{task.Federation}/{task.Round}/{options.Name}")));

    private sealed class Relay(IProgress<TrainingProgress> progress, bool told) : IProgress<TrainingReport>
    {
        public void Report(TrainingReport value) => progress.Report(new TrainingProgress(value.Step, value.Steps, told && !double.IsNaN(value.Loss) ? value.Loss : null));
    }
}
