using System.Text.RegularExpressions;
using FedLora.Aggregation;
using FedLora.Privacy;

namespace FedLora.Federations.Definitions;

/// <summary>Refuses a definition that could not be carried out, before anything starts.</summary>
public static partial class DefinitionCheck
{
    /// <exception cref="FedLoraException"><c>definition-invalid</c>, naming the setting.</exception>
    public static void Require(FederationDefinition definition)
    {
        Check(NamePattern().IsMatch(definition.Name), $"name '{definition.Name}'", "1-64 characters of a-z, 0-9, '-', starting with a letter");
        Check(definition.BaseModel.Fingerprint.Length > 0, "base_model.fingerprint is empty", "the fingerprint of the base model");
        Check(definition.Task.Kind != LearningTask.Classification || definition.Task.Labels.Count > 1, "task.labels", "at least two labels for classification");
        Check(definition.Task.Labels.Distinct(StringComparer.Ordinal).Count() == definition.Task.Labels.Count, "task.labels", "each label once");
        Check(definition.Rounds is >= 1 and <= 1_000_000, $"rounds {definition.Rounds}", "1 to 1000000");
        var training = definition.Training;
        Check(training.LocalSteps >= 1, $"training.local_steps {training.LocalSteps}", "at least 1");
        Check(training.BatchSize >= 1, $"training.batch_size {training.BatchSize}", "at least 1");
        Check(training.LearningRate > 0 && double.IsFinite(training.LearningRate), $"training.learning_rate {training.LearningRate}", "a number above 0");
        Check(training.MaxTokens >= 1, $"training.max_tokens {training.MaxTokens}", "at least 1");
        Check(training.MaxUpdateNorm >= 0, $"training.max_update_norm {training.MaxUpdateNorm}", "0 (no bound) or more");
        RequireCohort(definition.Cohort);
        RequirePrivacy(definition);
        RequireMethod(definition);
    }

    private static void RequireCohort(CohortSpec cohort)
    {
        Check(cohort.Size >= 0 && cohort.Quorum >= 0 && cohort.MinNodes >= 0 && cohort.MaxRepeats >= 0, "cohort", "no negative numbers");
        Check(cohort.Fraction is >= 0 and <= 1, $"cohort.fraction {cohort.Fraction}", "0 to 1");
        Check(cohort.OverSelect is >= 1 and <= 100, $"cohort.over_select {cohort.OverSelect}", "1 to 100");
        Check(cohort.Deadline > TimeSpan.Zero && cohort.Deadline <= TimeSpan.FromDays(30), $"cohort.deadline {cohort.Deadline}", "above 0, at most 30 days");
        Check(cohort.SamplingTimeout > TimeSpan.Zero && cohort.SamplingTimeout <= TimeSpan.FromDays(30), $"cohort.sampling_timeout {cohort.SamplingTimeout}", "above 0, at most 30 days");
        Check(cohort.Size == 0 || cohort.Quorum <= cohort.Size, $"cohort.quorum {cohort.Quorum}", $"at most cohort.size ({cohort.Size})");
    }

    private static void RequirePrivacy(FederationDefinition definition)
    {
        if (definition.Privacy is not { } privacy)
            return;
        Check(privacy.Delta is > 0 and < 1, $"privacy.delta {privacy.Delta}", "between 0 and 1");
        Check(privacy.ClipNorm > 0 && double.IsFinite(privacy.ClipNorm), $"privacy.clip_norm {privacy.ClipNorm}", "a number above 0");
        Check(privacy.Epsilon > 0 || privacy.NoiseMultiplier > 0, "privacy", "an epsilon or a noise_multiplier above 0");
        Check(privacy.SamplingRate is >= 0 and <= 1, $"privacy.sampling_rate {privacy.SamplingRate}", "0 to 1");
        Check(Accountants.Names.Contains(privacy.Accountant), $"privacy.accountant '{privacy.Accountant}'", string.Join(", ", Accountants.Names));
        Check(privacy.Epsilon >= 0 && double.IsFinite(privacy.Epsilon) && privacy.NoiseMultiplier >= 0 && double.IsFinite(privacy.NoiseMultiplier), "privacy", "an epsilon and a noise_multiplier of at least 0");
        Check(definition.Weighting != Weighting.Examples, "weighting: examples", "uniform or public counts under privacy: a site's example count is private too");
    }

    private static void RequireMethod(FederationDefinition definition)
    {
        try
        {
            Methods.Get(definition.Method).Check(definition.ToLayout(), definition.ToMethodOptions(), [definition.Lora.Rank, .. definition.Lora.RankGroups.Values]);
            SparseTerms.Check(definition);
        }
        catch (FedLoraException error)
        {
            throw new FedLoraException(RefusalCodes.DefinitionInvalid, error.Message, error.Hint);
        }
    }

    private static void Check(bool good, string what, string expected)
    {
        if (!good)
            throw new FedLoraException(RefusalCodes.DefinitionInvalid, $"The federation's {what} cannot be used.", $"Expected: {expected}.");
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{0,63}$", RegexOptions.None, 1000)]
    private static partial Regex NamePattern();
}
