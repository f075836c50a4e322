using FedLora.Protocol.V1;
using FedLora.Simulations.Demo;

namespace FedLora.Cli.Demo;

/// <summary>
/// The federation that the demo runs. The learning rate was chosen on training-side mail; rounds, steps per round, weights and how unlike the sites are
/// were settled by looking at a few runs of the demo itself.
/// </summary>
internal static class DemoFederation
{
    private const uint Rank = 8;
    private const uint FedSbRank = 32;

    /// <param name="options">What was asked for.</param>
    /// <param name="mails">How many mails each site has, which the demo lets be known: sampling rates come from it.</param>
    internal static FederationDefinition Define(DemoOptions options, IReadOnlyList<int>? mails = null)
    {
        var rank = options.Method == "fed-sb" ? FedSbRank : Rank;
        var definition = new FederationDefinition
        {
            Name = options.Federation,
            Method = options.Method,
            MethodOptions = new MethodOptions(),
            Rounds = (uint)options.Rounds,
            Seed = (ulong)options.Seed,
            // Every site trains the same number of steps, whatever it has; so each counts alike.
            Weighting = Weighting.Uniform,
            Task = new LearningTask { Classification = new Classification { Labels = { Mail.Labels } } },
            Lora = new LoraSettings { Rank = rank, Alpha = 2 * rank, TargetModules = { "query", "value" } },
            Training = new TrainingSettings
            {
                LocalSteps = (uint)options.Steps,
                BatchSize = 32,
                Optimizer = "adamw",
                LearningRate = 4e-3,
                WeightDecay = 0.01,
                MaxTokens = 96,
                Schedule = "linear",
                Dtype = "auto",
            },
            // Every site takes part in every round, as organisations do; a site that is gone for two minutes is gone for the round.
            Cohort = new CohortRules { Size = (uint)options.Nodes, MinNodes = (uint)options.Nodes, DeadlineSeconds = 120, Quorum = (uint)Math.Max(1, options.Nodes - 1) },
            Communication = new Communication { Down = options.DensityDown, Up = options.DensityUp, ErrorFeedback = options.ErrorFeedback },
        };
        if (options.Epsilon is { } epsilon)
        {
            definition.Privacy = new PrivacyTerms { Epsilon = epsilon, Delta = options.Delta, ClipNorm = 1, Accountant = "pld" };
            foreach (var (site, count) in (mails ?? []).Index())
                definition.PublicCounts[$"site-{site + 1}"] = (ulong)count;
        }
        return definition;
    }
}
