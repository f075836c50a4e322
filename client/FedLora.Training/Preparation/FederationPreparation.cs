using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Definitions;
using FedLora.Training.Data;
using FedLora.Training.Lora;
using FedLora.Training.Models;

namespace FedLora.Training.Preparation;

/// <summary>A definition made whole with what only a base model can tell: fingerprint, layout, and the adapter to start from.</summary>
/// <param name="Definition">Whole.</param>
/// <param name="InitialAdapter">Before round 1.</param>
public sealed record FederationPreparation(FederationDefinition Definition, AdapterState InitialAdapter)
{
    /// <summary>What the operator should know, a line each.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    private const int PublicExamples = 550;
    private const int PublicBatch = 32;

    /// <summary>
    /// Looks at the operator's copy of the base model, with whatever a node would meet there. Its weights are read only for methods that
    /// start from them.
    /// </summary>
    /// <param name="definition">What the operator wrote.</param>
    /// <param name="modelFolder">The operator's copy.</param>
    /// <param name="publicData">JSONL that anyone may see, for Fed-SB's <c>lora-sb</c> start; null without.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="FedLoraException">The model or its tokenizer cannot be read, has no head, takes shorter texts than the federation
    /// states, has none of the target modules, or the method refuses the settings.</exception>
    public static FederationPreparation Prepare(FederationDefinition definition, string modelFolder, string? publicData,
        CancellationToken cancellationToken)
    {
        var load = DefinitionSettings.Load(definition) with { Compute = ComputeType.F32 };
        var architecture = ModelFamily.ReadFolder(modelFolder, load.Task, load.Labels);
        if (architecture.Image is null && definition.Training.MaxTokens > architecture.MaxLength)
        {
            throw new FedLoraException("max-tokens-too-large",
                $"training.max_tokens {definition.Training.MaxTokens} is more than the base model {modelFolder} takes: "
                    + $"{architecture.MaxLength}",
                $"write max_tokens: {architecture.MaxLength} or less, or choose a model for longer texts");
        }

        NamedModules.Require(definition.Lora, architecture, modelFolder);
        var made = BaseModel.Check(modelFolder, load);
        var (peft, remarks) = NewHead.Complete(DefinitionSettings.Peft(definition, architecture), made, architecture, modelFolder);
        if (ModelInput.Load(modelFolder).Tokenizer is { Size: var tokens } && tokens > architecture.Vocabulary)
            remarks = [.. remarks,
                $"the tokenizer knows {tokens} tokens and the base model {architecture.Vocabulary}: a text with one of those beyond "
                    + $"cannot be used"];
        var layout = ModelLayout.For(architecture, peft);
        if (definition.Privacy is not null)
            ModelLayout.RequirePrivate(architecture, layout);
        var method = Methods.Get(definition.Method);
        var options = definition.ToMethodOptions();
        method.Check(layout, options, [definition.Lora.Rank, .. definition.Lora.RankGroups.Values]);
        if (publicData is not null && options.Init != FedSbInit.LoraSb)
        {
            throw new FedLoraException("public-data-unused",
                $"public_data is named, and nothing is computed from data under {method.Name} with these options",
                "leave public_data out, or use method fed-sb with method_options: { init: lora-sb }");
        }
        var whole = definition with
        {
            BaseModel = new BaseModelSpec
            {
                Fingerprint = ModelFingerprint.Of(modelFolder),
                Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder))),
                Architecture = architecture.Names.Base,
            },
            Lora = definition.Lora with { ModulesToSave = [.. peft.ModulesToSave] },
            Layout = layout.ToSpec(),
        };
        var owned = layout.Heads.Where(head => !made.Contains(head.Name)).ToList();
        if (!method.Traits.StartsFromWeights && owned.Count == 0)
            return new FederationPreparation(whole, method.Initialize(layout, options, definition.Seed)) { Remarks = remarks };
        using var model = BaseModel.Load(modelFolder, load);
        IWeightSource source = options.Init == FedSbInit.LoraSb
            ? PublicGradients(model, layout, whole, modelFolder, publicData, cancellationToken) : model;
        // What is trained whole and the base model has starts from there, as with PEFT.
        var start = method.Initialize(layout, options, definition.Seed, method.Traits.StartsFromWeights ? source : null)
            .With(owned.Select(model.ReadWhole));
        return new FederationPreparation(whole, start) { Remarks = remarks };
    }

    // As LoRA-SB does it: the gradient of the base weights over a few hundred examples, in batches.
    private static BaseGradients PublicGradients(
        BaseModel model, AdapterLayout layout, FederationDefinition definition, string modelFolder, string? publicData,
        CancellationToken cancellationToken)
    {
        if (publicData is null)
        {
            throw new FedLoraException("public-data-needed",
                "init lora-sb computes the first adapter from data, and no public data is named",
                "write public_data: FILE.jsonl with data that anyone may see, or use init svd-of-weights");
        }
        var examples = new NodeData(publicData, modelFolder, skipBadLines: false).Read(definition, cancellationToken).Data.Examples;
        return new BaseGradients(model.Transformer, layout.Modules, examples.Take(PublicExamples).Chunk(PublicBatch), cancellationToken);
    }
}
