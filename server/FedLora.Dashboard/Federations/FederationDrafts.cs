using FedLora.Federations.Files;

namespace FedLora.Dashboard.Federations;

/// <summary>
/// Federations created from a file in the browser. The coordinator holds no base model, so fingerprint and layout come from a federation
/// that is here already and adapts the same modules; for
/// a base model that is new to the coordinator the command line reads the operator's copy.
/// </summary>
internal sealed class FederationDrafts(FederationBook book, FederationCreator creator)
{
    private const string CommandLine =
        "Create it with 'fedlora admin federation create -f FILE --model DIR', which reads your copy of the base model.";

    /// <summary>The federations whose base model can be taken.</summary>
    internal async Task<IReadOnlyList<FederationView>> ModelsAsync(CancellationToken cancellationToken) =>
        [.. (await book.ListAsync(cancellationToken)).Select(line => line.View).OfType<FederationView>()
            .OrderBy(view => view.Definition.Name, StringComparer.Ordinal)];

    /// <summary>All that holds, defaults too, as a file that reads to the same.</summary>
    /// <exception cref="FedLoraException">The file cannot be used: line, key and what to do.</exception>
    internal async Task<string> ExplainAsync(string yaml, string model, CancellationToken cancellationToken)
    {
        var file = Read(yaml);
        var (definition, _) = await CompleteAsync(file, model, cancellationToken);
        using var text = new StringWriter { NewLine = "\n" };
        (file with { Definition = definition }).Explain(text);
        return text.ToString();
    }

    /// <summary>Creates it; it is not started.</summary>
    /// <exception cref="FedLoraException">As <see cref="ExplainAsync"/>.</exception>
    /// <exception cref="RefusedException">It exists, or fits too few nodes' privacy limits.</exception>
    internal async Task<FederationView> CreateAsync(string yaml, string model, CancellationToken cancellationToken)
    {
        var (definition, source) = await CompleteAsync(Read(yaml), model, cancellationToken);
        // The same start where all that it depends on is the same; it may have been made from the weights, which are not here.
        var first = StartOf(definition) == StartOf(source) ? (await book.Grain(model).AdapterAfterAsync(0, cancellationToken)).Sha256
            : null;
        return await creator.CreateAsync(definition, first, cancellationToken);
    }

    private static FederationFile Read(string yaml)
    {
        using var text = new StringReader(yaml);
        // Paths in it mean folders on the operator's machine, which nobody reads here.
        return FederationFile.Read(YamlMap.Parse("the file", text), Path.GetTempPath()) with { ModelFolder = null, PublicData = null };
    }

    private async Task<(FederationDefinition Definition, FederationDefinition Source)> CompleteAsync(FederationFile file, string model,
        CancellationToken cancellationToken)
    {
        if (model.Length == 0)
            throw new FedLoraException("model-unknown", "No federation is chosen whose base model to take", CommandLine);
        var source = (await book.ViewAsync(model, cancellationToken)).Definition;
        var lora = file.Definition.Lora;
        if (!lora.TargetModules.SequenceEqual(source.Lora.TargetModules))
            throw Differs($"lora.target_modules are {string.Join(", ", lora.TargetModules)}",
                $"those of '{model}' are {string.Join(", ", source.Lora.TargetModules)}");
        if (file.Definition.Task.Kind != source.Task.Kind || !file.Definition.Task.Labels.SequenceEqual(source.Task.Labels))
            throw Differs("task is another", $"that of '{model}' is {source.Task.Kind} {string.Join(", ", source.Task.Labels)}");
        if (lora.ModulesToSave.Count > 0 && !lora.ModulesToSave.SequenceEqual(source.Lora.ModulesToSave))
            throw Differs("lora.modules_to_save are others", $"those of '{model}' are {string.Join(", ", source.Lora.ModulesToSave)}");
        var definition =
            file.Definition with
            {
                BaseModel = source.BaseModel,
                Layout = source.Layout,
                Lora = lora with { ModulesToSave = source.Lora.ModulesToSave }
            };
        DefinitionRules.CheckWhole(definition);
        return (definition, source);
    }

    private static (string Method, string Init, double? Step, int Rank, double Alpha,
        ulong Seed) StartOf(FederationDefinition definition) =>
        (definition.Method, definition.MethodOptions.Init, definition.MethodOptions.InitStep, definition.Lora.Rank, definition.Lora.Alpha,
            definition.Seed);

    private static FedLoraException Differs(string what, string there) =>
        new("model-unknown", $"{what}; {there}: its layout does not say what this file adapts", CommandLine);
}
