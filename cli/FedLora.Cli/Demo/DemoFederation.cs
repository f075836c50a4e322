using FedLora.Protocol.V1;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>
/// The federation that the demo runs. The learning rate and the weights were chosen on training-side mail; rounds, steps per round and how unlike the sites are
/// were settled by looking at a few runs of the demo itself. What is done under privacy was chosen on training-side mail alone.
/// </summary>
internal static class DemoFederation
{
    private const uint Rank = 8;
    private const uint FedSbRank = 32;
    private const double PrivateRate = 0.08;

    /// <param name="options">What was asked for.</param>
    /// <param name="mails">How many mails each site has; the demo lets their mean be known, which the expected batch comes from.</param>
    internal static FederationDefinition Define(DemoOptions options, IReadOnlyList<int>? mails = null)
    {
        var rank = options.Method == "fed-sb" ? FedSbRank : Rank;
        var trainsBoth = Aggregation.Methods.Get(options.Method).Trained(1, new()).HasFlag(Adapters.Factors.A | Adapters.Factors.B);
        var definition = new FederationDefinition
        {
            Name = options.Federation,
            Method = options.Method,
            MethodOptions = new MethodOptions(),
            Rounds = (uint)options.Rounds,
            Seed = (ulong)options.Seed,
            // A site of a few dozen mails learns them by heart in as many steps as the others; counted alike, it would spoil the mean. How many mails a site has is
            // private under privacy; there its own part of a step grows with its mails instead.
            Weighting = options.Epsilon is null ? Weighting.Examples : Weighting.Uniform,
            Task = new LearningTask { Classification = new Classification { Labels = { Mail.Labels } } },
            Lora = new LoraSettings { Rank = rank, Alpha = 2 * rank, TargetModules = { "query", "value" } },
            Training = new TrainingSettings
            {
                LocalSteps = (uint)options.Steps,
                BatchSize = 32,
                Optimizer = "adamw",
                // What moves while the rest of the product stands still bears larger steps.
                LearningRate = trainsBoth ? 4e-3 : 1e-2,
                WeightDecay = 0.01,
                MaxTokens = 96,
                Schedule = "linear",
                Dtype = "auto",
            },
            // Every site takes part in every round, as organisations do; a site that is gone for two minutes is gone for the round.
            Cohort = new CohortRules { Size = (uint)options.Nodes, MinNodes = (uint)options.Nodes, DeadlineSeconds = 120, Quorum = (uint)Math.Max(1, options.Nodes - 1) },
            Communication = new Communication { Down = options.DensityDown, Up = options.DensityUp, Values = options.Values, SpareB = options.SpareB, ErrorFeedback = options.ErrorFeedback },
        };
        if (options.Epsilon is { } epsilon)
        {
            // One sampling rate and one divisor for all: a site's step is its part of the step on everybody's mail, and all add the same noise.
            definition.Privacy = new PrivacyTerms { Epsilon = epsilon, Delta = options.Delta, ClipNorm = 1, SamplingRate = PrivateRate, Accountant = "pld" };
            definition.Training.BatchSize = (uint)Math.Max(1, Math.Round(PrivateRate * (mails ?? []).DefaultIfEmpty(1000).Average()));
            definition.Training.Optimizer = "sgd";
            definition.Training.LearningRate = 2;
        }
        return definition;
    }
}
