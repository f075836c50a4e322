using FedLora.Aggregation;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Files;

/// <summary>A federation as an operator writes it: YAML with the settings of <see cref="FederationDefinition"/> as keys.</summary>
/// <param name="Definition">Base model and layout are empty: they come from the operator's model folder.</param>
/// <param name="ModelFolder">The key <c>base_model</c>, relative to the file; null where it is given on the command line.</param>
/// <param name="PublicData">The key <c>public_data</c>: JSONL from which Fed-SB's <c>lora-sb</c> start is computed; null without.</param>
public sealed record FederationFile(FederationDefinition Definition, string? ModelFolder, string? PublicData)
{
    internal const string ModelKey = "base_model";
    internal const string ModelMeaning = "folder of your copy of the base model, from this file's folder; or give --model";
    internal const string DataKey = "public_data";
    internal const string DataMeaning = "JSONL that anyone may see, from this file's folder; only for fed-sb with init: lora-sb";

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="FedLoraException"><c>yaml-invalid</c> or <see cref="RefusalCodes.DefinitionInvalid"/>.</exception>
    public static FederationFile Load(string file) => Read(YamlMap.Load(file), Path.GetDirectoryName(Path.GetFullPath(file))!);

    /// <summary>Reads and checks a mapping; paths in it are relative to <paramref name="folder"/>.</summary>
    public static FederationFile Read(YamlMap yaml, string folder)
    {
        var model = yaml.OptionalText(ModelKey);
        var publicData = yaml.OptionalText(DataKey);
        var definition = SettingsReader.Read<FederationDefinition>(yaml) with
        {
            BaseModel = new BaseModelSpec { Fingerprint = "" },
            Layout = new LayoutSpec { Modules = [] },
        };
        definition = WithDefaultsOfOthers(definition, yaml);
        yaml.End();
        DefinitionRules.Check(definition);
        return new FederationFile(definition, model is null ? null : Path.Combine(folder, model),
            publicData is null ? null : Path.Combine(folder, publicData));
    }

    /// <summary>Writes everything that holds, defaults too, as a file that reads to the same.</summary>
    public void Explain(TextWriter text)
    {
        foreach (var (key, meaning, path) in new[] { (ModelKey, ModelMeaning, ModelFolder), (DataKey, DataMeaning, PublicData) })
        {
            if (path is not null)
                text.WriteLine($"# {meaning}\n{key}: '{Path.GetFullPath(path).Replace("'", "''", StringComparison.Ordinal)}'");
        }
        new SettingsWriter(text)
            .Write(
                Definition with { MethodOptions = WithDefaults(Definition.MethodOptions, Methods.Get(Definition.Method).Traits.Options) });
    }

    // What other settings decide where it is left out.
    private static FederationDefinition WithDefaultsOfOthers(FederationDefinition definition, YamlMap yaml)
    {
        if (yaml.Map("lora")?.Has("alpha") != true)
            definition = definition with { Lora = definition.Lora with { Alpha = definition.Lora.Rank } };
        var communication = definition.Communication;
        if (yaml.Map("communication")?.Map("groups") is { } groups)
        {
            foreach (var (name, density) in communication.Groups)
            {
                communication.Groups[name] = new DensitySpec
                {
                    Down = groups.Map(name)!.Has("down") ? density.Down : communication.Down,
                    Up = groups.Map(name)!.Has("up") ? density.Up : communication.Up,
                };
            }
        }
        return definition;
    }

    private static MethodSpec WithDefaults(MethodSpec options, IReadOnlyList<string> known) => options with
    {
        Init = options.Init.Length == 0 && known.Contains("init") ? "svd-of-weights" : options.Init,
        InitStep = options.InitStep ?? (known.Contains("init_step") ? MethodOptions.Default.InitStep : null),
        Lambda = options.Lambda ?? (known.Contains("lambda") ? MethodOptions.Default.Lambda : null),
        Solver = options.Solver.Length == 0 && known.Contains("solver") ? "cosine" : options.Solver,
    };
}
