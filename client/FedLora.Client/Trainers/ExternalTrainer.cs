using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Client.Hosting;
using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Federations.Definitions;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Data;
using FedLora.Training.Models;
using Microsoft.Extensions.Logging;
using AdapterLayout = FedLora.Adapters.AdapterLayout;
using FederationDefinition = FedLora.Federations.Definitions.FederationDefinition;

namespace FedLora.Client.Trainers;

/// <summary>
/// Trains rounds by a program of the site's own (<c>fedlora client --trainer</c>), handed a folder and giving one back. Everything else
/// stays the daemon's: rounds,
/// resumption, encoding, validation, the site's policy and its ledger.
/// </summary>
public sealed class ExternalTrainer : IRoundTrainer
{
    private const string TaskFolder = "trainer";
    private const string LogFile = "trainer.log";

    // The longest deadline that a federation may have.
    private const double MostSeconds = 2_592_000;

    private readonly ClientOptions _options;
    private readonly NodeData _data;
    private readonly TimeProvider _time;
    private readonly WholeUpdateNoise? _noise;

    private ExternalTrainer(ClientOptions options, TimeProvider time, ILogger logger, string fingerprint)
    {
        (this._options, this._time, Fingerprint) = (options, time, fingerprint);
        _data = new NodeData(options.Data, options.Model, options.SkipBadLines, options.Unit);
        _noise = options.UpdateNoise is { } terms ? new WholeUpdateNoise(terms, options.State, logger) : null;
    }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public bool IsSilent => _noise is not null;

    /// <summary>Looks at model, tokenizer and data, as <see cref="RoundTrainer.Create"/> does.</summary>
    /// <exception cref="FedLoraException">As <see cref="RoundTrainer.Create"/>; <c>privacy-invalid</c>: noise or norm are outside
    /// <see cref="FedLora.Privacy.PrivateBounds"/>.</exception>
    public static ExternalTrainer Create(ClientOptions options, TimeProvider time, ILogger logger,
        CancellationToken cancellationToken = default) =>
        new(options, time, logger, RoundTrainer.Look(options, cancellationToken));

    /// <inheritdoc/>
    public string? Refuses(TrainingTask task)
    {
        var definition = task.Definition.ToModel();
        if (RoundTrainer.Refuses(definition, Fingerprint) is { } reason)
            return reason;
        if (definition.Privacy is not null)
            return "it promises privacy of single examples, and this node trains by a program of its own, whose noise nobody can vouch "
                + "for; clipping and noise on the whole update (trainer_clip, trainer_noise) is another promise, for federations without "
                + "privacy terms";
        if (definition.Training.KeepOptimizer)
            return "it keeps the optimiser's means from round to round (training.keep_optimizer), which a program of one's own starts anew";
        var method = Methods.Get(definition.Method);
        var settings = definition.ToMethodOptions();
        if (method.Trained((int)task.Round, settings).HasFlag(Factors.R) || method.FoldRank(definition.ToLayout(), settings, 2) > 0
            || task.Fold.Count > 0)
            return $"method {method.Name} trains a middle factor or folds products into the base model, which no PEFT folder says; a "
                + $"trainer of one's own takes methods of plain A and B";
        return _noise is not null && method.Kept(settings) != Factors.None
            ? $"method {method.Name} keeps factors at the node, which noise on the update does not cover" : null;
    }

    /// <inheritdoc/>
    public VectorLayout SparseLayout(TrainingTask task)
    {
        var definition = task.Definition.ToModel();
        return new VectorLayout(LayoutOf(definition).Layout.Tensors(definition.SentFactors((int)task.Round)));
    }

    /// <inheritdoc/>
    public RoundOutput Train(RoundInput input, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        var definition = input.Task.Definition.ToModel();
        var method = Methods.Get(definition.Method);
        var settings = definition.ToMethodOptions();
        var (architecture, peft, layout) = LayoutOf(definition);
        var (read, identities) = _data.Read(definition, cancellationToken);
        var learnable = read.Learnable(architecture);
        var round = (int)input.Task.Round;
        var start = method.Start(input.Global, KeptFactors.Load(input.Folder, input.Task.Round),
            new NodeTerms(layout, settings, round, definition.Seed, (int)input.Task.Rank));
        var folder = Path.Combine(Path.GetFullPath(input.Folder), TaskFolder);
        Clear(folder);
        try
        {
            var left = Left(input);
            if (left <= TimeSpan.Zero)
                throw new FedLoraException("trainer-late", "the round's time is over before its training began",
                    "the next round trains again");
            var terms = new RoundTerms(definition, round, method.Trained(round, settings), start, _options.Model, folder, left);
            var training = definition.TrainingOf(round);
            PrivateFolder(folder);
            TrainerTask.Of(terms, training, input.Seed, learnable.Examples.Count).Write(folder, start, peft, learnable);
            _ = input.Charge(identities);
            var loss = new TrainerProcess(_options.Trainer!, folder, Path.Combine(input.Folder, LogFile), _time)
                .Run(left, _noise is null ? progress : Quiet.Instance, cancellationToken);
            var trained = TrainerResult.Read(Path.Combine(folder, TrainerTask.ResultFolder), start, terms.Trained);
            KeptFactors.Save(input.Folder, input.Task.Round, trained.Only(method.Kept(settings)));
            var sent = method.Sent(round, settings);
            var (before, after) = (start.Adapter.Only(sent), trained.Only(sent));
            return _noise is null ? new RoundOutput(before, after, learnable.Examples.Count, training.LocalSteps, loss)
                : new RoundOutput(before, _noise.Hide(before, after), Math.Max(1, _options.PublicCount), training.LocalSteps, null);
        }
        finally
        {
            // The site's data lie in it. That it cannot be emptied neither undoes what was trained nor hides what failed: the next round
            // begins with it.
            ClearIfPossible(folder, Path.Combine(input.Folder, LogFile));
        }
    }

    // By the coordinator's clock and this machine's steady one, whatever the date here; older coordinators tell the deadline's date alone.
    private TimeSpan Left(RoundInput input)
    {
        if (!input.Task.HasSecondsLeft)
            return DateTimeOffset.FromUnixTimeMilliseconds(input.Task.DeadlineUnixMs) - _time.GetUtcNow();
        var told = input.Task.SecondsLeft is > 0 and var seconds ? Math.Min(seconds, MostSeconds) : 0;
        return TimeSpan.FromSeconds(told) - (input.Received is { } at ? _time.GetElapsedTime(at) : TimeSpan.Zero);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private (Architecture Model, PeftConfig Peft, AdapterLayout Layout) LayoutOf(FederationDefinition definition)
    {
        var load = DefinitionSettings.Load(definition);
        var architecture = ModelFamily.ReadFolder(_options.Model, load.Task, load.Labels);
        var peft = DefinitionSettings.Peft(definition, architecture);
        return (architecture, peft, ModelLayout.For(architecture, peft));
    }

    private static void PrivateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void Clear(string folder)
    {
        try
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("trainer-folder", $"the trainer's folder {folder} cannot be emptied: {error.Message}",
                "end what still writes there, and mend its rights", error);
        }
    }

    private static void ClearIfPossible(string folder, string log)
    {
        try
        {
            File.Delete(Path.Combine(folder, TrainerTask.DataFileName));
            Clear(folder);
        }
        catch (Exception error) when (error is FedLoraException or IOException or UnauthorizedAccessException)
        {
            try
            {
                File.AppendAllText(log, $"{error.Message}\n");
            }
            catch (Exception unwritten) when (unwritten is IOException or UnauthorizedAccessException)
            {
                // The next round says it.
            }
        }
    }

    private sealed class Quiet : IProgress<TrainingProgress>
    {
        public static Quiet Instance { get; } = new();

        public void Report(TrainingProgress value)
        {
        }
    }
}
