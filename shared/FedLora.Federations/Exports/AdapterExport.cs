using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Compression;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Exports;

/// <summary>
/// A federation's result as a PEFT folder: what a node would start the next round with, before values are rounded for the way. Where the
/// down-link is sparse that is the masked adapter, as in FLASC's code (<c>eval_masked</c>): it is what nodes train from, and what the
/// entries outside the mask add up to was never tried by anyone.
/// </summary>
public static class AdapterExport
{
    private const string Images = "vit";

    /// <summary>The folder's content.</summary>
    /// <param name="definition">With layout.</param>
    /// <param name="global">The global adapter.</param>
    /// <param name="round">The round that it is of, from 1; 0 is before the first.</param>
    /// <param name="folds">Every fold so far, oldest first.</param>
    /// <param name="promise">What is promised of privacy, by <see cref="PrivacyPromise"/>; null: nothing.</param>
    /// <exception cref="FedLoraException"><c>export-personalised</c>.</exception>
    public static PeftFolder ToPeft(FederationDefinition definition, AdapterState global, int round, IReadOnlyList<AdapterState> folds,
        string? promise)
    {
        var (adapter, layout) = Methods.Get(definition.Method).Export(AsSent(definition, global, round + 1), folds, definition.ToLayout());
        var (lora, ofImages) = (definition.Lora, definition.BaseModel.Architecture == Images);
        var config = new PeftConfig
        {
            Rank = layout.Rank,
            Alpha = layout.Alpha,
            Dropout = lora.Dropout,
            TargetModules = PeftModules.From(lora.TargetModules),
            ModulesToSave = [.. lora.ModulesToSave],
            UseRsLora = layout.UseRsLora,
            // PEFT has no task type for images; with SEQ_CLS it would hand the model token ids.
            TaskType = definition.Task.Kind != LearningTask.Classification ? "CAUSAL_LM" : ofImages ? null : "SEQ_CLS",
            BaseModel = definition.BaseModel.Name,
            RankPattern = [.. layout.Modules.Where(module => module.Rank is not null)
                .Select(module => KeyValuePair.Create(module.Name, module.Rank!.Value))],
            AlphaPattern = [.. layout.Modules.Where(module => module.Alpha is not null)
                .Select(module => KeyValuePair.Create(module.Name, module.Alpha!.Value))],
        };
        return new PeftFolder(config, adapter)
        {
            Use = new AdapterUse
            {
                Labels = definition.Task.Kind == LearningTask.Classification ? [.. definition.Task.Labels] : [],
                MaxTokens = ofImages ? null : definition.Training.MaxTokens,
                OfImages = ofImages,
                BaseModel = definition.BaseModel.Name,
                BaseFingerprint = definition.BaseModel.Fingerprint,
                Privacy = promise,
            },
        };
    }

    private static AdapterState AsSent(FederationDefinition definition, AdapterState global, int round)
    {
        if (definition.Communication is not { Down: < 1 } communication)
            return global;
        var sent = global.Only(definition.SentFactors(round));
        var (layout, selected) = SparseCommunication.SelectDown(sent, communication.Down, communication.SpareB);
        return global.With(layout.Unflatten(selected.ToDense()));
    }
}
