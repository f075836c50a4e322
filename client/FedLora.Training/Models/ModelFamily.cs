using FedLora.Training.Models.Families;

namespace FedLora.Training.Models;

/// <summary>A family of models: turns its config into an <see cref="Architecture"/>. Everything else is shared.</summary>
/// <param name="ModelType">Value of <c>model_type</c>.</param>
/// <param name="Read">Reads the config for a task.</param>
public sealed record ModelFamily(string ModelType, Func<ConfigJson, ModelTask, Architecture> Read)
{
    private const string ConfigFile = "config.json";

    /// <summary>All families.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        new("bert", Bert.Read), new("distilbert", DistilBert.Read), new("gemma2", Gemma2.Read), new("gpt2", Gpt2.Read),
        new("llama", Llama.Read), new("mistral", Llama.ReadMistral),
        new("phi3", Phi3.Read), new("qwen2", Llama.ReadQwen2), new("qwen3", Llama.ReadQwen3), new("roberta", Bert.ReadRoberta),
        new("vit", Vit.Read),
    ];

    /// <summary>Reads a model folder's <c>config.json</c>.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="task">What it is to be used for; null for what its checkpoint was made for.</param>
    /// <param name="labels">The classes' names where they are not those of the checkpoint; null for the checkpoint's.</param>
    /// <param name="file">The config's name.</param>
    /// <exception cref="FedLoraException">
    /// <c>model-folder-missing</c>, <c>model-architecture-unknown</c>, <c>model-config-missing</c>, <c>model-config-invalid</c>,
    /// <c>model-task-unsupported</c>.
    /// </exception>
    public static Architecture ReadFolder(string folder, ModelTask? task = null, IReadOnlyList<string>? labels = null,
        string file = ConfigFile) =>
            ReadConfig(ConfigOf(folder, file), folder, task, labels);

    /// <summary>Reads a config that lies elsewhere than in a model's folder.</summary>
    /// <param name="folder">What to call it in errors.</param>
    /// <inheritdoc cref="ReadFolder"/>
    public static Architecture ReadConfig(ConfigJson config, string folder, ModelTask? task = null, IReadOnlyList<string>? labels = null)
    {
        var type = config.Text("model_type") ?? throw config.Invalid("lacks 'model_type'");
        var family = All.FirstOrDefault(f => f.ModelType == type)
            ?? throw Unknown(type, config, folder);
        var made = MadeFor(config);
        var architecture = family.Read(config, task ?? made) with { Task = task ?? made };
        if (architecture.Task == ModelTask.Classification
            && config.Text("problem_type") is { } problem and not "single_label_classification")
            throw new FedLoraException("model-task-unsupported",
                $"'{folder}' has problem_type '{problem}' in its config.json; only single_label_classification is supported.",
                "Take problem_type out of config.json if each text has one class; otherwise choose another model.");
        if (architecture.Task == ModelTask.Classification)
            architecture = architecture with
            {
                Labels = labels ?? (made == ModelTask.Classification ? LabelsOf(config, folder) : throw NoLabels(folder)),
            };
        if (architecture.Task != ModelTask.Hidden && architecture.Names.Head.Output is null)
            throw new FedLoraException("model-task-unsupported",
                $"A model of the architecture '{type}' has no head for {architecture.Task}.", "Choose a model that fits the task.");
        return architecture;
    }

    /// <summary>What the checkpoint in a folder was made for, by its <c>architectures</c>.</summary>
    /// <exception cref="FedLoraException"><c>model-folder-missing</c>, <c>model-config-missing</c>,
    /// <c>model-config-invalid</c>.</exception>
    public static ModelTask MadeFor(string folder) => MadeFor(ConfigOf(folder, ConfigFile));

    private static ConfigJson ConfigOf(string folder, string file) => Directory.Exists(folder)
        ? ConfigJson.Load(Path.Combine(folder, file))
        : throw new FedLoraException("model-folder-missing",
            File.Exists(folder) ? $"'{folder}' is a file, not a model's folder." : $"There is no folder '{folder}'.",
            "Give the folder of a model as Hugging Face lays it out: config.json, model.safetensors, tokenizer.json.");

    private static ModelTask MadeFor(ConfigJson config)
    {
        foreach (var name in config.Texts("architectures"))
        {
            if (MadeAs(name) is var task and not ModelTask.Hidden)
                return task;
        }
        return ModelTask.Hidden;
    }

    private static ModelTask MadeAs(string name) => name switch
    {
        _ when name.EndsWith("ForCausalLM", StringComparison.Ordinal) || name.EndsWith("LMHeadModel", StringComparison.Ordinal) =>
            ModelTask.CausalLanguageModelling,
        _ when name.EndsWith("Classification", StringComparison.Ordinal) => ModelTask.Classification,
        _ when name.EndsWith("ForMaskedLM", StringComparison.Ordinal) || name.EndsWith("ForPreTraining", StringComparison.Ordinal) =>
            ModelTask.MaskedLanguageModelling,
        _ => ModelTask.Hidden,
    };

    private static IReadOnlyList<string> LabelsOf(ConfigJson config, string folder)
    {
        var map = config.Map("id2label");
        var count = map?.Count ?? config.Size("num_labels", 2);
        // What transformers takes for regression, whatever problem_type says or leaves out.
        if (count == 1)
        {
            throw new FedLoraException("model-task-unsupported",
                $"'{folder}' has one label only (num_labels or id2label in its config.json): its head gives a number, not a class, and "
                    + $"regression is not supported.",
                "Choose a classifier of two classes or more, or name the classes, and a new head is made for them.");
        }
        return [.. Enumerable.Range(0, count)
            .Select(
                i => map is null ? $"LABEL_{i}"
                    : map.GetValueOrDefault(i.ToString()) ?? throw config.Invalid($"has no class {i} in 'id2label'"))];
    }

    // How near: the families whose description finds all that it wants in this config. Many are another's in all but the name.
    private static FedLoraException Unknown(string type, ConfigJson config, string folder)
    {
        var known = $"Known: {string.Join(", ", All.Select(family => family.ModelType))}.";
        string[] near = [.. All.Where(family => IsReadBy(family, config)).Select(family => family.ModelType)];
        return new FedLoraException("model-architecture-unknown", $"'{folder}' is of the architecture '{type}', which is not known.",
            near.Length == 0
                ? $"{known} Its config.json lacks what any of them needs."
                : $"{known} Its config.json has all that {string.Join(", ", near)} need{(near.Length == 1 ? "s" : "")}: if it is one of "
                    + $"them in all but the name, write that model_type, and evaluate it to see whether it is.");
    }

    private static bool IsReadBy(ModelFamily family, ConfigJson config)
    {
        try
        {
            _ = family.Read(config, ModelTask.Hidden);
            return true;
        }
        catch (FedLoraException)
        {
            return false;
        }
    }

    private static FedLoraException NoLabels(string folder) =>
        new("model-task-unsupported", $"'{folder}' is not a classifier, so it has no list of classes.", "Give the list of labels.");
}
