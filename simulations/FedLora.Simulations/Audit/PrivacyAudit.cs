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

    private readonly AuditSettings settings;
    private readonly Func<PrivateTerms, PrivateTerms> alter;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("fedlora-audit-");
    private readonly BaseModel model;
    private readonly NodeStart start;

    // Every example has words of its own, so that its gradient has a direction of its own.
    private readonly Example canary = Text(40, 1);
    private readonly Example[] others = [Text(10, 0), Text(20, 1), Text(30, 0)];

    /// <summary>Makes the tiny model.</summary>
    public PrivacyAudit(AuditSettings settings) : this(settings, terms => terms)
    {
    }

    /// <summary>For tests of the audit: trains with other terms than it judges by.</summary>
    internal PrivacyAudit(AuditSettings settings, Func<PrivateTerms, PrivateTerms> alter)
    {
        settings.Validate();
        (this.settings, this.alter) = (settings, alter);
        var random = new Random(1);
        var embeddings = Enumerable.Range(0, Words * Width).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
        EncoderFolder.Create(folder.FullName, new EncoderShape(Words, 1, Width, 2, Width, 16),
            new CooccurrenceStart(embeddings, new float[Words]), seed: 1);
        model = BaseModel.Load(folder.FullName,
            new LoadOptions { Task = ModelTask.Classification, Labels = Labels, Compute = ComputeType.F32 });
        var layout = model.LayoutFor(ModelLayout.Settings(model.Architecture, 2, 4, 0, ["query", "value"]));
        start = new NodeStart(Methods.Get("fedit").Initialize(layout, new MethodOptions(), 1), layout);
    }

    /// <summary>Runs it. Blocks for minutes.</summary>
    /// <param name="progress">Told how many trainings of how many are done.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public AuditResult Run(IProgress<(int Done, int All)>? progress, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var (basis, shift) = Directions(cancellationToken);
        var judge = basis[^1];
        var all = 6 * settings.Runs;
        var done = 0;
        var (squares, numbers) = (0.0, 0L);
        var (lower, full) = (EpsilonBound.Of(Scores(Terms, WithCanary), Scores(Terms, others), settings.Delta),
            Terms with { SamplingRate = 1 });
        var mu = PartBounds.Mu(Scores(full, WithCanary), Scores(full, others));
        var (noiseless, deviation) = (Scores(Terms.WithoutNoise(), WithCanary),
            LearningRate * settings.NoiseMultiplier * ClipNorm * Math.Sqrt(settings.Steps));
        // Without noise every score is a number of the canary's steps.
        var steps = noiseless.Sum(score => (int)Math.Round(score / shift));
        var noise = PartBounds.Deviation(squares, numbers) / deviation;
        var rate = EpsilonBound.Rate(Math.Min(steps, settings.Runs * settings.Steps), settings.Runs * settings.Steps, PartBounds.Error).Low;
        var lowerWithoutNoise = EpsilonBound.Of(noiseless, Scores(Terms.WithoutNoise(), others), settings.Delta);
        var accounted = Accountants.Default.Epsilon([new SampledGaussian(settings.NoiseMultiplier, settings.SamplingRate, settings.Steps)],
            settings.Delta, cancellationToken).Epsilon;
        return new AuditResult(accounted, lower, lowerWithoutNoise, noise, mu, Math.Sqrt(settings.Steps) / settings.NoiseMultiplier, rate,
            settings, watch.Elapsed.TotalSeconds);

        double[] Scores(PrivateTerms terms, Example[] examples) =>
        [
            .. Enumerable.Range(0, settings.Runs).Select(_ =>
            {
                progress?.Report((++done, all));
                var change = Train(examples, terms, settings.Steps, cancellationToken);
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
        model.Dispose();
        folder.Delete(recursive: true);
    }

    private PrivateTerms Terms => alter(new(settings.NoiseMultiplier, settings.SamplingRate, ClipNorm));

    private Example[] WithCanary => [.. others, canary];

    /// <summary>
    /// Where each example alone moves the adapter, less what the earlier ones' directions share with it; the canary's is the last: along it
    /// nothing but the canary and the noise show. And how far one step of its own moves along it.
    /// </summary>
    private (IReadOnlyList<double[]> Basis, double Shift) Directions(CancellationToken cancellationToken)
    {
        var alone = (Example example) => Train([example], (Terms with { SamplingRate = 1 }).WithoutNoise(), 1, cancellationToken);
        var basis = new List<double[]>();
        foreach (var example in others)
            basis.Add(Normalised(Without(basis, alone(example))));
        var moved = alone(canary);
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
        var trained = LocalTraining.Run(model, new LocalTask(start, Factors.A | Factors.B | Factors.Head, training) { Privacy = terms },
            examples, cancellationToken: cancellationToken).Trained;
        return [
            .. trained.SelectMany(
                tensor => tensor.Values.Zip(start.Adapter[tensor.Name].Values, (after, before) => (double)after - before))];
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
