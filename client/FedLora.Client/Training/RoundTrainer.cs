using System.Security.Cryptography;
using System.Text;
using FedLora.Aggregation;
using FedLora.Client.Configuration;
using FedLora.Client.Privacy;
using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Federations.Definitions;
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
        data = new NodeData(options.Data, options.Model, options.SkipBadLines);
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
        if (!File.Exists(options.Data))
            throw new FedLoraException("data-missing", $"there is no data file {options.Data}", "give a JSONL file with --data");
        var found = ModelFingerprint.Of(options.Model);
        _ = Tokenizer.Load(Path.Combine(options.Model, "tokenizer.json"));
        // Text is what both tasks want of a line; labels are a federation's own.
        _ = JsonLines.Read(options.Data, TextTask.CausalLanguageModelling, [], options.SkipBadLines ? BadLines.Skip : BadLines.Stop, CancellationToken.None);
        return new RoundTrainer(options, found, time);
    }

    /// <inheritdoc/>
    public string? Refuses(TrainingTask task)
    {
        var federation = task.Definition.ToModel();
        if (federation.BaseModel.Fingerprint != fingerprint)
            return $"its base model is {federation.BaseModel.Name} ({federation.BaseModel.Fingerprint}), this node's is another ({fingerprint})";
        if (Methods.All.All(method => method.Name != federation.Method))
            return $"this program does not know method '{federation.Method}'; update it";
        return options.Policy.Refuses(federation.Name, federation.Method, federation.BaseModel.Name, federation.Training.BatchSize, federation.Privacy is not null) ?? ledger.Refuses(federation, (int)task.Round);
    }

    /// <inheritdoc/>
    public VectorLayout SparseLayout(TrainingTask task)
    {
        var definition = task.Definition.ToModel();
        var loaded = model.Get(definition, []);
        var layout = loaded.LayoutFor(DefinitionSettings.Peft(definition, loaded.Architecture));
        return new VectorLayout(layout.Tensors(definition.SentFactors((int)task.Round)));
    }

    /// <inheritdoc/>
    public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellation)
    {
        var definition = input.Task.Definition.ToModel();
        var method = Methods.Get(definition.Method);
        var settings = definition.ToMethodOptions();
        var loaded = model.Get(definition, input.Fold);
        var examples = data.Get(definition, cancellation).Examples;
        var layout = loaded.LayoutFor(DefinitionSettings.Peft(definition, loaded.Architecture));
        var round = (int)input.Task.Round;
        var start = method.Start(input.Global, KeptFactors.Load(input.Folder, input.Task.Round), new NodeTerms(layout, settings, round, definition.Seed, (int)input.Task.Rank));
        var task = new LocalTask(start, method.Trained(round, settings), DefinitionSettings.Training(definition, round, SeedOf(input.Task))) { Dropout = definition.Lora.Dropout };
        // On disk before the first sample is drawn.
        var receipt = definition.Privacy is null ? null : ledger.Spend(definition, round);
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
            ? new RoundOutput(update, encoding, 0, result.Summary.Losses.Count, null, Federations.PrivacyReceipt.Of(receipt).ToWire())
            : new RoundOutput(update, encoding, examples.Count, result.Summary.Losses.Count, double.IsNaN(result.Summary.MeanLoss) ? null : result.Summary.MeanLoss, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model.Dispose();
        ledger.Dispose();
    }

    // The order of the examples: the same for a round that is trained again, another in every round, and another at every site.
    private ulong SeedOf(TrainingTask task) =>
        BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{task.Definition.Seed}/{task.Federation}/{task.Round}/{options.Name}")));

    private sealed class Relay(IProgress<TrainingProgress> progress, bool told) : IProgress<TrainingReport>
    {
        public void Report(TrainingReport value) => progress.Report(new TrainingProgress(value.Step, value.Steps, told && !double.IsNaN(value.Loss) ? value.Loss : null));
    }
}
