using System.Collections;
using System.Globalization;
using System.Text.Json;
using FedLora.Aggregation;
using FedLora.Privacy;

namespace FedLora.Federations.Definitions;

/// <summary>
/// What holds for every federation: ranges, words and combinations. Checked where a file is read, again at the coordinator, which trusts no
/// caller, and again at each node, which does not trust the coordinator.
/// </summary>
public static class DefinitionRules
{
    /// <summary>Checks a definition, whether it is whole or not.</summary>
    /// <exception cref="FedLoraException"><see cref="RefusalCodes.DefinitionInvalid"/>, naming the setting, its value and what is
    /// allowed.</exception>
    public static void Check(FederationDefinition definition)
    {
        CheckSection(definition, "");
        Require(IsName(definition.Name), "name", definition.Name, "1-64 characters of a-z, 0-9 and '-', starting with a letter");
        CheckTask(definition.Task);
        CheckMethodOptions(definition);
        CheckKeptOptimizer(definition);
        CheckRobust(definition);
        Require(definition.Lora.TargetModules.Count > 0, "lora.target_modules", "nothing", "at least one module");
        var steps = (long)definition.Rounds * definition.Training.LocalSteps;
        Require(steps <= int.MaxValue, "training.local_steps",
            $"{definition.Training.LocalSteps} in {definition.Rounds} rounds, {steps} in all", $"at most {int.MaxValue} in all");
        if (definition.Privacy is { } privacy)
        {
            Require(privacy.Epsilon > 0 || privacy.NoiseMultiplier > 0, "privacy.epsilon", Shown(privacy.Epsilon),
                "above 0, unless noise_multiplier is stated");
            Refused(
                () => PrivateBounds.Require(privacy.ClipNorm, privacy.NoiseMultiplier > 0 ? privacy.NoiseMultiplier : 1,
                    privacy.SamplingRate > 0 ? privacy.SamplingRate : 1));
            Require(definition.Training.LearningRate >= PrivateBounds.LeastLearningRate, "training.learning_rate",
                Shown(definition.Training.LearningRate), $"at least {PrivateBounds.LeastLearningRate} under privacy");
            Require(definition.Weighting != Weighting.Examples, "weighting", "examples",
                "uniform or public-counts: under privacy the number of examples is private too");
        }
        var cohort = definition.Cohort;
        Require(cohort.Size == 0 || cohort.Quorum <= cohort.Size, "cohort.quorum", Shown(cohort.Quorum),
            $"at most cohort.size = {cohort.Size}");
        Require(cohort.Size == 0 || cohort.Fraction == 0, "cohort.fraction", Shown(cohort.Fraction),
            "left out where cohort.size is stated");
        Require(definition.Weighting != Weighting.PublicCounts || definition.PublicCounts.Count > 0, "public_counts", "nothing",
            "a count for each node, as weighting is public-counts");
        Require(definition.MaxWeight is 0 or >= 1, "max_weight", Shown(definition.MaxWeight), "0 or at least 1");
        Refused(() => SparseTerms.Check(definition));
    }

    /// <summary>
    /// Checks one section by itself: what the training engine does before it runs. It may be given the steps of all rounds at once.
    /// </summary>
    /// <exception cref="FedLoraException"><see cref="RefusalCodes.DefinitionInvalid"/>.</exception>
    public static void Check(TrainingSpec training) =>
        CheckSection(training with { LocalSteps = Math.Min(1, training.LocalSteps) }, "training.");

    /// <summary>
    /// Checks a definition that is about to run: as <see cref="Check(FederationDefinition)"/>, and that base model and layout are there and
    /// suit the method.
    /// </summary>
    /// <exception cref="FedLoraException"><see cref="RefusalCodes.DefinitionInvalid"/>.</exception>
    public static void CheckWhole(FederationDefinition definition)
    {
        Check(definition);
        Require(definition.BaseModel.Fingerprint.Length > 0, "base_model.fingerprint", "nothing", "the fingerprint of the base model");
        Refused(
            () => Methods.Get(definition.Method)
                .Check(definition.ToLayout(), definition.ToMethodOptions(), [definition.Lora.Rank, .. definition.Lora.RankGroups.Values]));
    }

    // Every setting by itself, as its attribute says.
    private static void CheckSection(object section, string path)
    {
        foreach (var setting in Setting.Of(section.GetType()))
        {
            var name = path + setting.Key;
            switch (setting.Property.GetValue(section))
            {
                case null:
                    break;
                case IDictionary map:
                    foreach (DictionaryEntry entry in map)
                        CheckValue(setting, $"{name}.{entry.Key}", entry.Value!);
                    break;
                case var value:
                    CheckValue(setting, name, value);
                    break;
            }
        }
    }

    private static void CheckValue(Setting setting, string name, object value)
    {
        if (Setting.IsSection(value.GetType()))
            CheckSection(value, name + ".");
        else if (value is string word)
            // An option of a method is empty where nothing is said.
            Require(
                setting.Words.Count == 0 || setting.Words.Contains(word)
                    || (word.Length == 0 && setting.Property.DeclaringType == typeof(MethodSpec)), name, word,
                setting.Allowed() + Nearest.Question(word, setting.Words));
        else if (value is Enum)
            Require(Enum.IsDefined(value.GetType(), value), name, Shown(value), setting.Allowed());
        else if (AsNumber(value) is { } number)
            Require(setting.Allows(number), name, Shown(number), setting.Allowed());
    }

    private static double? AsNumber(object value) => value switch
    {
        TimeSpan time => time.TotalSeconds,
        int or long or ulong or double => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        _ => null,
    };

    private static void CheckTask(TaskSpec task)
    {
        if (task.Kind != LearningTask.Classification)
            return;
        Require(task.Labels.Count >= 2, "task.labels", Shown(task.Labels.Count), "at least two labels");
        Require(task.Labels.Distinct(StringComparer.Ordinal).Count() == task.Labels.Count, "task.labels", string.Join(", ", task.Labels),
            "labels that differ");
    }

    private static void CheckMethodOptions(FederationDefinition definition)
    {
        var method = Methods.Get(definition.Method);
        var stated = definition.MethodOptions;
        Known("init", stated.Init, stated.Init.Length > 0);
        Known("init_step", stated.InitStep, stated.InitStep is not null);
        Known("lambda", stated.Lambda, stated.Lambda is not null);
        Known("solver", stated.Solver, stated.Solver.Length > 0);
        Known("truncate_rank", stated.TruncateRank, stated.TruncateRank > 0);

        void Known(string option, object? value, bool isStated) => Require(
            !isStated || method.Traits.Options.Contains(option), $"method_options.{option}", Shown(value),
            $"left out under {method.Name}; it is an option of "
                + $"{string.Join(", ", Methods.All.Where(other => other.Traits.Options.Contains(option)).Select(other => other.Name))}");
    }

    // Its means belong to the entries of the factors trained: they say nothing where a round trains others.
    private static void CheckKeptOptimizer(FederationDefinition definition)
    {
        if (!definition.Training.KeepOptimizer)
            return;
        var (method, options) = (Methods.Get(definition.Method), definition.ToMethodOptions());
        Require(definition.Training.Optimizer == "adamw", "training.keep_optimizer", "true", "left out with sgd, which remembers nothing");
        Require(!method.Traits.MakesFactorsAnew && method.Trained(1, options) == method.Trained(2, options), "training.keep_optimizer",
            "true", $"left out under {method.Name}, which trains other factors in every round");
    }

    private static void CheckRobust(FederationDefinition definition)
    {
        var (terms, cohort) = (definition.Robust.ToTerms(), definition.Cohort);
        Refused(() => terms.Check(Methods.Get(definition.Method), definition.Lora.RankGroups.Count > 0));
        var quorum = cohort.Quorum > 0 ? cohort.Quorum : cohort.Size > 0 ? cohort.Size : Math.Max(1, cohort.MinNodes);
        Require(quorum >= terms.LeastUpdates, "cohort.quorum", Shown(cohort.Quorum),
            $"at least {terms.LeastUpdates}, since robust.rule {definition.Robust.Rule} leaves {definition.Robust.Outliers} out");
    }

    // What the libraries below refuse, they do not know to be a federation's.
    private static void Refused(Action check)
    {
        try
        {
            check();
        }
        catch (FedLoraException error)
        {
            throw new FedLoraException(RefusalCodes.DefinitionInvalid, error.Message, error.Hint, error);
        }
    }

    private static void Require(bool holds, string setting, string value, string allowed)
    {
        if (!holds)
            throw new FedLoraException(RefusalCodes.DefinitionInvalid, $"{setting}: '{value}' is not allowed; it must be {allowed}",
                "correct the federation's definition");
    }

    private static string Shown(object? value) => value switch
    {
        Enum word => JsonNamingPolicy.KebabCaseLower.ConvertName(word.ToString()),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static bool IsName(string name) =>
        name.Length is >= 1 and <= 64 && char.IsAsciiLetterLower(name[0])
            && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
