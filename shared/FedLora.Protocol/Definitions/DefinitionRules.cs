using FedLora.Aggregation;
using FedLora.Compression;
using FedLora.Privacy;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using Weighting = FedLora.Protocol.V1.Weighting;

namespace FedLora.Protocol.Definitions;

/// <summary>
/// What holds for every federation, whatever its method: ranges and combinations. Checked where a file is read and again at the
/// coordinator, which trusts no caller.
/// </summary>
public static class DefinitionRules
{
    /// <summary>Checks a definition.</summary>
    /// <exception cref="FedLoraException"><c>federation-invalid</c>, naming the setting, its value and what is allowed.</exception>
    public static void Check(FederationDefinition definition)
    {
        Require(IsName(definition.Name), "name", definition.Name, "1-64 characters of a-z, 0-9 and '-', starting with a letter");
        Require(definition.Rounds is >= 1 and <= 1_000_000, "rounds", definition.Rounds, "1 to 1000000");
        Require(definition.Task?.KindCase is LearningTask.KindOneofCase.Classification or LearningTask.KindOneofCase.CausalLanguageModel,
            "task", "none", "classification or causal-language-model");
        if (definition.Task!.Classification is { } classification)
            CheckLabels(classification);
        CheckMethodOptions(definition);
        CheckLora(definition.Lora ?? new LoraSettings());
        CheckTraining(definition.Training ?? new TrainingSettings());
        if (definition.Privacy is { } privacy)
            CheckPrivacy(privacy, definition);
        CheckCohort(definition.Cohort ?? new CohortRules());
        if (definition.Communication is { } communication)
            CheckCommunication(communication);
        Require(definition.Weighting != Weighting.PublicCounts || definition.PublicCounts.Count > 0, "public_counts", "nothing", "a count for each node, as weighting is public-counts");
    }

    private static void CheckLabels(Classification classification)
    {
        Require(classification.Labels.Count >= 2, "task.labels", classification.Labels.Count, "at least two labels");
        Require(classification.Labels.Distinct(StringComparer.Ordinal).Count() == classification.Labels.Count, "task.labels",
            string.Join(", ", classification.Labels), "labels that differ");
    }

    // Options that no method knows are refused where they are read (MethodMapping).
    private static void CheckMethodOptions(FederationDefinition definition)
    {
        _ = MethodMapping.ToOptions(definition);
        if (definition.MethodOptions is not { } options || Methods.All.FirstOrDefault(method => method.Name == definition.Method) is not { } method)
            return;
        Known("init", options.Init, options.Init.Length > 0);
        Known("lambda", options.Lambda, options.HasLambda);
        Known("solver", options.Solver, options.Solver.Length > 0);
        Known("truncate_rank", options.TruncateRank, options.TruncateRank > 0);

        void Known(string option, object value, bool stated) => Require(
            !stated || method.Traits.Options.Contains(option), $"method_options.{option}", value,
            $"left out under {method.Name}; it is an option of {string.Join(", ", Methods.All.Where(other => other.Traits.Options.Contains(option)).Select(other => other.Name))}");
    }

    private static void CheckLora(LoraSettings lora)
    {
        Require(lora.Rank is >= 1 and <= 4096, "lora.rank", lora.Rank, "1 to 4096");
        Require(lora.Alpha is > 0 and <= 1e6, "lora.alpha", lora.Alpha, "above 0");
        Require(lora.Dropout is >= 0 and < 1, "lora.dropout", lora.Dropout, "at least 0 and below 1");
        Require(lora.TargetModules.Count > 0, "lora.target_modules", "nothing", "at least one module");
        foreach (var (group, rank) in lora.RankGroups)
            Require(rank is >= 1 and <= 4096, $"lora.rank_groups.{group}", rank, "1 to 4096");
    }

    private static void CheckTraining(TrainingSettings training)
    {
        Require(training.LocalSteps is >= 1 and <= 1_000_000, "training.local_steps", training.LocalSteps, "1 to 1000000");
        Require(training.BatchSize is >= 1 and <= 1_000_000, "training.batch_size", training.BatchSize, "1 to 1000000");
        Require(training.Optimizer is "adamw" or "sgd", "training.optimizer", training.Optimizer, "adamw or sgd");
        Require(training.LearningRate is > 0 and < 1e3, "training.learning_rate", training.LearningRate, "above 0");
        Require(training.WeightDecay is >= 0 and < 1e3, "training.weight_decay", training.WeightDecay, "at least 0");
        Require(training.MaxGradNorm is >= 0 and < 1e9, "training.max_grad_norm", training.MaxGradNorm, "at least 0");
        Require(training.MaxTokens is >= 2 and <= 1_000_000, "training.max_tokens", training.MaxTokens, "2 to 1000000");
        Require(training.Schedule is "constant" or "linear" or "cosine", "training.schedule", training.Schedule, "constant, linear or cosine");
        Require(training.Dtype is "auto" or "f32" or "bf16", "training.dtype", training.Dtype, "auto, f32 or bf16");
    }

    private static void CheckPrivacy(PrivacyTerms privacy, FederationDefinition definition)
    {
        Require(privacy.Epsilon is >= 0 and <= 1e6, "privacy.epsilon", privacy.Epsilon, "above 0");
        Require(privacy.Epsilon > 0 || privacy.NoiseMultiplier > 0, "privacy.epsilon", privacy.Epsilon, "above 0, unless noise_multiplier is stated");
        Require(privacy.Delta is > 0 and < 1, "privacy.delta", privacy.Delta, "above 0 and below 1");
        Require(privacy.ClipNorm is >= PrivateBounds.LeastClip and <= PrivateBounds.MostClip, "privacy.clip_norm", privacy.ClipNorm, $"{PrivateBounds.LeastClip} to {PrivateBounds.MostClip}, where the noise is what it says in floating point");
        Require(privacy.NoiseMultiplier is 0 or (>= PrivateBounds.LeastNoise and <= PrivateBounds.MostNoise), "privacy.noise_multiplier", privacy.NoiseMultiplier, $"{PrivateBounds.LeastNoise} to {PrivateBounds.MostNoise} (0 = calibrated)");
        Require(privacy.SamplingRate is 0 or (>= PrivateBounds.LeastRate and <= 1), "privacy.sampling_rate", privacy.SamplingRate, $"{PrivateBounds.LeastRate} to 1 (0 = batch_size over the stated count)");
        Require(definition.Training.LearningRate >= PrivateBounds.LeastLearningRate, "training.learning_rate", definition.Training.LearningRate, $"at least {PrivateBounds.LeastLearningRate} under privacy");
        Require(privacy.Accountant is "pld" or "rdp" or "prv", "privacy.accountant", privacy.Accountant, "pld, rdp or prv");
        Require(definition.Weighting != Weighting.Examples, "weighting", "examples", "uniform or public-counts: under privacy the number of examples is private too");
    }

    private static void CheckCohort(CohortRules cohort)
    {
        Require(cohort.OverSelect is 0 or (>= 1 and <= 100), "cohort.over_select", cohort.OverSelect, "1 to 100");
        Require(cohort.Size == 0 || cohort.Quorum <= cohort.Size, "cohort.quorum", cohort.Quorum, $"at most cohort.size = {cohort.Size}");
        Require(cohort.DeadlineSeconds <= 30 * 86400, "cohort.deadline_seconds", cohort.DeadlineSeconds, "at most 30 days");
        Require(cohort.MaxRepeats <= 1000, "cohort.max_repeats", cohort.MaxRepeats, "at most 1000");
    }

    private static void CheckCommunication(Communication communication)
    {
        Density("communication.down", communication.Down);
        Density("communication.up", communication.Up);
        foreach (var (group, density) in communication.Groups)
        {
            Density($"communication.groups.{group}.down", density.Down);
            Density($"communication.groups.{group}.up", density.Up);
        }
        Require(communication.Values.Length == 0 || ValueFormats.ByName.ContainsKey(communication.Values), "communication.values", communication.Values, $"one of {ValueFormats.Names}");
        Require(communication.ServerOptimizer is "" or "add" or "fedadam", "communication.server_optimizer", communication.ServerOptimizer, "add or fedadam");

        static void Density(string setting, double value) => Require(value is >= 0 and <= 1, setting, value, "above 0, at most 1");
    }

    private static void Require(bool holds, string setting, object value, string allowed)
    {
        if (!holds)
            throw new FedLoraException("federation-invalid", $"{setting}: '{value}' is not allowed; it must be {allowed}", "correct the federation's definition");
    }

    private static bool IsName(string name) =>
        name.Length is >= 1 and <= 64 && char.IsAsciiLetterLower(name[0]) && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
