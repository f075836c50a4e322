using System.Diagnostics;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Privacy;
using FedLora.Simulations.Pretraining;
using FedLora.Training.Data;
using FedLora.Training.Models;
using FedLora.Training.Privacy;
using FedLora.Training.Running;

namespace FedLora.Simulations.Audit;

/// <summary>
/// An empirical check of differential privacy: a tiny model is trained again and again by the real trainer, with one more example (the
/// canary) and without, and a judge who knows all but the noise and the samples tells the two apart. How well it does is a lower bound on
/// epsilon; a mistake in sampling, clipping, noise or accounting shows as a bound above the accountant's.
/// </summary>
public sealed class PrivacyAudit : IDisposable
{
    private const int Width = 32;
    private const int Words = 64;
    private const double ClipNorm = 0.01;
    private static readonly string[] Labels = ["a", "b"];

    private const double LearningRate = 1e-3;

    private readonly AuditSettings _settings;
    private readonly Func<PrivateTerms, PrivateTerms> _alter;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-audit-");
    private readonly BaseModel _model;
    private readonly NodeStart _start;

    // Every example has words of its own, so that its gradient has a direction of its own.
    private readonly Example _canary = Text(40, 1);
    private readonly Example[] _others = [Text(10, 0), Text(20, 1), Text(30, 0)];

    /// <summary>Makes the tiny model.</summary>
    public PrivacyAudit(AuditSettings settings) : this(settings, terms => terms)
    {
    }

    /// <summary>For tests of the audit: trains with other terms than it judges by.</summary>
    internal PrivacyAudit(AuditSettings settings, Func<PrivateTerms, PrivateTerms> alter)
    {
        settings.Validate();
        (this._settings, this._alter) = (settings, alter);
        var random = new Random(1);
        var embeddings = Enumerable.Range(0, Words * Width).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
        EncoderFolder.Create(_folder.FullName, new EncoderShape(Words, 1, Width, 2, Width, 16),
            new CooccurrenceStart(embeddings, new float[Words]), seed: 1);
        _model = BaseModel.Load(_folder.FullName,
            new LoadOptions { Task = ModelTask.Classification, Labels = Labels, Compute = ComputeType.F32 });
        var layout = _model.LayoutFor(ModelLayout.Settings(_model.Architecture, 2, 4, 0, ["query", "value"]));
        _start = new NodeStart(Methods.Get("fedit").Initialize(layout, new MethodOptions(), 1), layout);
    }

    /// <summary>Runs it. Blocks for minutes.</summary>
    /// <param name="progress">Told how many trainings of how many are done.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public AuditResult Run(IProgress<(int Done, int All)>? progress, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var (basis, shift) = Directions(cancellationToken);
        var judge = basis[^1];
        var all = 6 * _settings.Runs;
        var done = 0;
        var (squares, numbers) = (0.0, 0L);
        var (lower, full) = (EpsilonBound.Of(Scores(Terms, WithCanary), Scores(Terms, _others), _settings.Delta),
            Terms with { SamplingRate = 1 });
        var mu = PartBounds.Mu(Scores(full, WithCanary), Scores(full, _others));
        // Without noise every score is a number of the canary's steps; told apart by their last bits, they would be judged by chance.
        var (noiseless, deviation) = (Steps(Scores(Terms.WithoutNoise(), WithCanary)),
            LearningRate * _settings.NoiseMultiplier * ClipNorm * Math.Sqrt(_settings.Steps));
        var steps = (int)noiseless.Sum();
        var noise = PartBounds.Deviation(squares, numbers) / deviation;
        var most = _settings.Runs * _settings.Steps;
        var rate = EpsilonBound.Rate(Math.Min(steps, most), most, PartBounds.Error).Low;
        var lowerWithoutNoise = EpsilonBound.Of(noiseless, Steps(Scores(Terms.WithoutNoise(), _others)), _settings.Delta);
        var accounted = Accountants.Default.Epsilon(
            [new SampledGaussian(_settings.NoiseMultiplier, _settings.SamplingRate, _settings.Steps)],
            _settings.Delta, cancellationToken).Epsilon;
        return new AuditResult(accounted, lower, lowerWithoutNoise, noise, mu, Math.Sqrt(_settings.Steps) / _settings.NoiseMultiplier, rate,
            _settings, watch.Elapsed.TotalSeconds);

        double[] Steps(double[] scores) => [.. scores.Select(score => Math.Round(score / shift))];

        double[] Scores(PrivateTerms terms, Example[] examples) =>
        [
            .. Enumerable.Range(0, _settings.Runs).Select(_ =>
            {
                progress?.Report((++done, all));
                var change = Train(examples, terms, _settings.Steps, cancellationToken);
                if (!terms.IsNoiseless)
                {
                    // What no example can move is noise alone.
                    var rest = Without(basis, change);
                    (squares, numbers) = (squares + Score(rest, rest), numbers + rest.Length - basis.Count);
                }
                return Score(judge, change);
            }),
        ];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _folder.Delete(recursive: true);
    }

    private PrivateTerms Terms => _alter(new(_settings.NoiseMultiplier, _settings.SamplingRate, ClipNorm));

    private Example[] WithCanary => [.. _others, _canary];

    /// <summary>
    /// Where each example alone moves the adapter, less what the earlier ones' directions share with it; the canary's is the last: along it
    /// nothing but the canary and the noise show. And how far one step of its own moves along it.
    /// </summary>
    private (IReadOnlyList<double[]> Basis, double Shift) Directions(CancellationToken cancellationToken)
    {
        var alone = (Example example) => Train([example], (Terms with { SamplingRate = 1 }).WithoutNoise(), 1, cancellationToken);
        var basis = new List<double[]>();
        foreach (var example in _others)
            basis.Add(Normalised(Without(basis, alone(example))));
        var moved = alone(_canary);
        basis.Add(Normalised(Without(basis, moved)));
        return (basis, Score(basis[^1], moved));
    }

    /// <summary>What a training changed, all trained numbers in one row.</summary>
    private double[] Train(Example[] examples, PrivateTerms terms, int steps, CancellationToken cancellationToken)
    {
        // So slow that the gradients stay those of the start: what the canary does then adds up.
        var training = new TrainingSpec
        {
            LocalSteps = steps,
            BatchSize = 1,
            LearningRate = LearningRate,
            Optimizer = "sgd",
            WeightDecay = 0,
        };
        var trained = LocalTraining.Run(_model, new LocalTask(_start, Factors.A | Factors.B | Factors.Head, training) { Privacy = terms },
            examples, cancellationToken: cancellationToken).Trained;
        return [
            .. trained.SelectMany(
                tensor => tensor.Values.Zip(_start.Adapter[tensor.Name].Values, (after, before) => (double)after - before))];
    }

    private static double Score(double[] judge, double[] change) => judge.Zip(change, (a, b) => a * b).Sum();

    private static double[] Without(IEnumerable<double[]> basis, double[] vector) => basis.Aggregate(vector, (rest, unit) =>
    {
        var share = Score(unit, rest);
        return [.. rest.Zip(unit, (a, b) => a - (share * b))];
    });

    private static double[] Normalised(double[] vector)
    {
        var norm = Math.Sqrt(Score(vector, vector));
        return norm > 0 ? [.. vector.Select(value => value / norm)]
            : throw new FedLoraException("audit-blind", "An example of the audit has no gradient of its own.",
                "This is a defect of the audit: report it.");
    }

    private static Example Text(int word, int label) => new([.. Enumerable.Range(word, 8)]) { Class = label };
}
