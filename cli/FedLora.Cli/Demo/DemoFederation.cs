using FedLora.Federations.Definitions;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>
/// The federation that the demo runs. The learning rate and the weights were chosen on training-side mail; rounds, steps per round and how
/// unlike the sites are were settled by looking at a few runs of the demo itself. What is done under privacy was chosen on training-side
/// mail alone.
/// </summary>
internal static class DemoFederation
{
    private const int Rank = 8;
    private const int FedSbRank = 32;
    private const double PrivateRate = 0.08;

    /// <param name="options">What was asked for.</param>
    /// <param name="mails">How many mails each site has; the demo lets their mean be known, which the expected batch comes from.</param>
    internal static FederationDefinition Define(DemoOptions options, IReadOnlyList<int>? mails = null)
    {
        var rank = options.Method == "fed-sb" ? FedSbRank : Rank;
        var trainsBoth = Aggregation.Methods.Get(options.Method).Trained(1, new()).HasFlag(Adapters.Factors.A | Adapters.Factors.B);
        return new FederationDefinition
        {
            Name = options.Federation,
            // The base model's, and the layout of the adapter on it, are known when it is prepared.
            BaseModel = new BaseModelSpec { Fingerprint = "" },
            Layout = new LayoutSpec { Modules = [] },
            Method = options.Method,
            Rounds = options.Rounds,
            Seed = (ulong)options.Seed,
            // A site of a few dozen mails learns them by heart in as many steps as the others; counted alike, it would spoil the mean. How
            // many mails a site has is private under privacy; there its own part of a step grows with its mails instead.
            Weighting = options.Epsilon is null ? Weighting.Examples : Weighting.Uniform,
            Task = new TaskSpec { Kind = LearningTask.Classification, Labels = Mail.Labels },
            Lora = new LoraSpec { Rank = rank, Alpha = 2 * rank, TargetModules = ["query", "value"] },
            Training = options.Epsilon is null
                // What moves while the rest of the product stands still bears larger steps.
                ? Training(options) with { LearningRate = trainsBoth ? 4e-3 : 1e-2 }
                : Training(options) with
                {
                    BatchSize = (int)Math.Max(1, Math.Round(PrivateRate * (mails ?? []).DefaultIfEmpty(1000).Average())),
                    Optimizer = "sgd",
                    LearningRate = 2,
                },
            // One sampling rate and one divisor for all: a site's step is its part of the step on everybody's mail, and all add the same
            // noise.
            Privacy = options.Epsilon is { } epsilon
                ? new PrivacySpec { Epsilon = epsilon, Delta = options.Delta, ClipNorm = 1, SamplingRate = PrivateRate } : null,
            // Every site takes part in every round, as organisations do; a site that is gone for two minutes is gone for the round.
            Cohort = new CohortSpec
            {
                Size = options.Nodes,
                MinNodes = options.Nodes,
                Deadline = TimeSpan.FromSeconds(120),
                Quorum = Math.Max(1, options.Nodes - 1),
            },
            Communication = new CommunicationSpec
            {
                Down = options.DensityDown,
                Up = options.DensityUp,
                Values = options.Values,
                SpareB = options.SpareB,
                ErrorFeedback = options.ErrorFeedback,
            },
        };
    }

    private static TrainingSpec Training(DemoOptions options) =>
        new()
        {
            LocalSteps = options.Steps,
            BatchSize = 32,
            WeightDecay = 0.01,
            MaxTokens = 96,
            Schedule = "linear",
            KeepOptimizer = options.KeepOptimizer,
        };
}
