using System.Text.Json.Nodes;
using FedLora.Federations.Files;

namespace FedLora.Simulations.Scenarios;

/// <summary>A scenario as it was read: the simulation, the federation that it is of, and where each lies, for errors.</summary>
/// <param name="Path">The file.</param>
/// <param name="Definition">Paths in it are absolute.</param>
/// <param name="Federation">An ordinary federation file, read as <c>fedlora admin federation create</c> reads it.</param>
/// <param name="Lines">The scenario's keys with their lines.</param>
/// <param name="FederationLines">The federation's, in the same file or in its own.</param>
public sealed record ScenarioFile(string Path, ScenarioDefinition Definition, FederationFile Federation, YamlMap Lines,
    YamlMap FederationLines)
{
    internal const string FederationKey = "federation";
    internal const string FederationMeaning = "an ordinary federation file: its path, from this file's folder, or its content";
    internal const string SweepKey = "sweep";
    internal const string SweepMeaning =
        "lists of values by key, e.g. federation.method: [fedit, fedsvd]; every combination is a run. 'none' leaves a key out; no "
            + "epsilon: no privacy";

    /// <summary>Reads and checks a scenario without a sweep.</summary>
    /// <exception cref="FedLoraException"><c>yaml-missing</c>, <c>yaml-invalid</c>,
    /// <see cref="Federations.RefusalCodes.DefinitionInvalid"/>.</exception>
    public static ScenarioFile Load(string file) => Read(YamlMap.Load(file), file);

    /// <summary>Reads a text; <paramref name="file"/> is how errors call it, and what paths in it are relative to.</summary>
    public static ScenarioFile Parse(string file, string text)
    {
        using var reader = new StringReader(text);
        return Read(YamlMap.Parse(file, reader), file);
    }

    /// <summary>The tables of docs/scenario.md: every key, what it may be, and what it means.</summary>
    public static string Tables() => SettingsPage.Of(typeof(ScenarioDefinition),
        [(FederationKey, "a path, or section", FederationMeaning), (SweepKey, "section", SweepMeaning)]);

    /// <summary>Writes everything that holds, defaults too, as a file that reads to the same.</summary>
    public void Explain(TextWriter text)
    {
        new SettingsWriter(text).Write(Definition);
        using var federation = new StringWriter { NewLine = "\n" };
        Federation.Explain(federation);
        text.Write($"# {FederationMeaning}\n{FederationKey}:\n");
        foreach (var line in federation.ToString().TrimEnd('\n').Split('\n'))
            text.Write($"  {line}\n");
    }

    /// <summary>The JSON schema (2020-12) of scenarios, for editors.</summary>
    public static string Schema()
    {
        var root = FederationSchema.Section(typeof(ScenarioDefinition));
        root["required"]!.AsArray().Insert(0, FederationKey);
        var federation = new JsonObject
        {
            ["description"] = FederationMeaning,
            ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string" }, FederationSchema.Root()),
        };
        root["properties"]!.AsObject().Insert(0, FederationKey, federation);
        root["properties"]![SweepKey] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = SweepMeaning,
            ["additionalProperties"] = new JsonObject { ["type"] = "array", ["minItems"] = 1 },
        };
        return FederationSchema.Text(root, "FedLora scenario");
    }

    private static ScenarioFile Read(YamlMap yaml, string file)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file))!;
        if (!yaml.Has(FederationKey))
            throw yaml.Missing(FederationKey, FederationMeaning);
        var (lines, home) = yaml.HasMap(FederationKey) ? (yaml.Map(FederationKey)!, folder)
            : Other(System.IO.Path.Combine(folder, yaml.Text(FederationKey)));
        var definition = SettingsReader.Read<ScenarioDefinition>(yaml);
        if (yaml.HasMap(SweepKey))
            throw yaml.Error(SweepKey, "a run has no sweep of its own");
        var read = FederationFile.Read(lines, home);
        yaml.End();
        if (!lines.Has("seed"))
            read = read with { Definition = read.Definition with { Seed = definition.Seed } };
        definition = definition with
        {
            Data = definition.Data with
            {
                Train = Absolute(folder, definition.Data.Train),
                HeldOut = Absolute(folder, definition.Data.HeldOut),
            },
        };
        var scenario = new ScenarioFile(file, definition, read, yaml, lines);
        ScenarioRules.Check(scenario);
        return scenario;
    }

    private static (YamlMap Lines, string Folder) Other(string file) =>
        (YamlMap.Load(file), System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file))!);

    private static string Absolute(string folder, string path) =>
        path.Length == 0 ? "" : System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, path));
}
