using FedLora.Protocol.V1;
using FedLora.Protocol.Yaml;

namespace FedLora.Protocol.Definitions;

/// <summary>A federation as an operator writes it: YAML with the keys of <c>FederationDefinition</c>.</summary>
/// <param name="Definition">Without base model and layout: these come from the operator's model folder.</param>
/// <param name="ModelFolder">The key <c>base_model</c>, relative to the file; null where it is given on the command line.</param>
/// <param name="PublicData">The key <c>public_data</c>: JSONL from which Fed-SB's <c>lora-sb</c> start is computed; null without.</param>
public sealed record FederationFile(FederationDefinition Definition, string? ModelFolder, string? PublicData)
{
    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="FedLoraException"><c>yaml-invalid</c> or <c>federation-invalid</c>.</exception>
    public static FederationFile Load(string file) => Read(YamlMap.Load(file), Path.GetDirectoryName(Path.GetFullPath(file))!);

    /// <summary>Reads and checks a mapping; paths in it are relative to <paramref name="folder"/>.</summary>
    public static FederationFile Read(YamlMap yaml, string folder)
    {
        var definition = new FederationDefinition
        {
            Name = yaml.Text("name"),
            Method = yaml.Text("method"),
            Rounds = yaml.Count32("rounds") ?? throw yaml.Error("rounds", "say how many rounds"),
            Seed = yaml.Count("seed") ?? 0,
            Task = ReadTask(yaml),
            MethodOptions = ReadMethodOptions(yaml.Map("method_options")),
            Lora = ReadLora(yaml),
            Training = ReadTraining(yaml.Map("training")),
            Privacy = ReadPrivacy(yaml.Map("privacy")),
            Cohort = ReadCohort(yaml.Map("cohort")),
            Weighting = ReadWeighting(yaml),
            Communication = CommunicationSection.Read(yaml.Map("communication")),
        };
        if (yaml.Map("public_counts") is { } counts)
        {
            foreach (var node in counts.Names())
                definition.PublicCounts[node] = counts.Count(node) ?? 0;
        }
        var model = yaml.OptionalText("base_model");
        var publicData = yaml.OptionalText("public_data");
        yaml.End();
        DefinitionRules.Check(definition);
        return new FederationFile(definition, model is null ? null : Path.Combine(folder, model), publicData is null ? null : Path.Combine(folder, publicData));
    }

    private static LearningTask ReadTask(YamlMap yaml)
    {
        if (yaml.Map("task") is not { } task)
            throw yaml.Error("task", "say which, e.g. task: { kind: classification, labels: [ham, spam] }");
        var kind = task.Text("kind");
        return kind switch
        {
            "classification" => new LearningTask
            {
                Classification = new Classification { Labels = { task.List("labels") ?? throw task.Error("labels", "list the labels, e.g. [ham, spam]") } },
            },
            "causal-language-model" => new LearningTask { CausalLanguageModel = new CausalLanguageModel() },
            _ => throw task.Error("kind", $"'{kind}' is not known; known: classification, causal-language-model"),
        };
    }

    private static MethodOptions ReadMethodOptions(YamlMap? yaml)
    {
        var options = new MethodOptions();
        if (yaml is null)
            return options;
        options.Init = yaml.OptionalText("init") ?? "";
        options.Solver = yaml.OptionalText("solver") ?? "";
        options.TruncateRank = yaml.Count32("truncate_rank") ?? 0;
        options.FreezeHead = yaml.Flag("freeze_head") ?? false;
        if (yaml.Number("lambda") is { } lambda)
            options.Lambda = lambda;
        if (yaml.Map("extra") is { } extra)
        {
            foreach (var name in extra.Names())
                options.Extra[name] = extra.Text(name);
        }
        return options;
    }

    private static LoraSettings ReadLora(YamlMap parent)
    {
        var yaml = parent.Map("lora") ?? throw parent.Error("lora", "the section is missing, e.g. lora: { rank: 8, alpha: 16, target_modules: [query, value] }");
        var rank = yaml.Count32("rank") ?? 8;
        var lora = new LoraSettings
        {
            Rank = rank,
            Alpha = yaml.Number("alpha") ?? rank,
            Dropout = yaml.Number("dropout") ?? 0,
            Rslora = yaml.Flag("rslora") ?? false,
            TargetModules = { yaml.List("target_modules") ?? throw yaml.Error("target_modules", "list the modules, e.g. [query, value]") },
            ModulesToSave = { yaml.List("modules_to_save") ?? [] },
        };
        if (yaml.Map("rank_groups") is { } groups)
        {
            foreach (var group in groups.Names())
                lora.RankGroups[group] = groups.Count32(group) ?? 0;
        }
        return lora;
    }

    private static TrainingSettings ReadTraining(YamlMap? yaml) => new()
    {
        LocalSteps = yaml?.Count32("local_steps") ?? 10,
        BatchSize = yaml?.Count32("batch_size") ?? 32,
        Optimizer = yaml?.OptionalText("optimizer") ?? "adamw",
        LearningRate = yaml?.Number("learning_rate") ?? 1e-3,
        WeightDecay = yaml?.Number("weight_decay") ?? 0.01,
        MaxGradNorm = yaml?.Number("max_grad_norm") ?? 0,
        MaxTokens = yaml?.Count32("max_tokens") ?? 256,
        Schedule = yaml?.OptionalText("schedule") ?? "constant",
        Dtype = yaml?.OptionalText("dtype") ?? "auto",
    };

    private static PrivacyTerms? ReadPrivacy(YamlMap? yaml) => yaml is null ? null : new PrivacyTerms
    {
        Epsilon = yaml.Number("epsilon") ?? 0,
        Delta = yaml.Number("delta") ?? 1e-5,
        ClipNorm = yaml.Number("clip_norm") ?? 1,
        NoiseMultiplier = yaml.Number("noise_multiplier") ?? 0,
        SamplingRate = yaml.Number("sampling_rate") ?? 0,
        Accountant = yaml.OptionalText("accountant") ?? "pld",
    };

    private static CohortRules ReadCohort(YamlMap? yaml) => new()
    {
        Size = yaml?.Count32("size") ?? 0,
        OverSelect = yaml?.Number("over_select") ?? 0,
        Quorum = yaml?.Count32("quorum") ?? 0,
        DeadlineSeconds = yaml?.Count32("deadline_seconds") ?? 0,
        MaxRepeats = yaml?.Count32("max_repeats") ?? 0,
        MinNodes = yaml?.Count32("min_nodes") ?? 0,
    };

    private static Weighting ReadWeighting(YamlMap yaml) => yaml.OptionalText("weighting") switch
    {
        null => Weighting.Unspecified,
        "examples" => Weighting.Examples,
        "uniform" => Weighting.Uniform,
        "public-counts" => Weighting.PublicCounts,
        var other => throw yaml.Error("weighting", $"'{other}' is not known; known: examples, uniform, public-counts"),
    };
}
