using FedLora.Adapters;

namespace FedLora.Training.Models;

/// <summary>What an adapter of a model looks like: from its config alone, without weights.</summary>
public static class ModelLayout
{
    /// <summary>The layout that LoRA settings give for a model.</summary>
    /// <exception cref="FedLoraException"><c>adapter-target-missing</c>: no module of the model matches.</exception>
    public static AdapterLayout For(Architecture model, PeftConfig config)
    {
        var (all, head) = (LinearShape.Of(model), model.Names.Head);
        var heads = all.Where(l => l.Name == head.Dense || l.Name == head.Output).SelectMany(l => Parameters(l, model));
        // As PEFT does it, "all-linear" leaves out the output layer; a list or an expression may name it.
        var linear = config.TargetModules.Expression == PeftModules.AllLinear ? all.Where(l => l.Name != head.Output) : all;
        return config.LayoutFor(linear.Select(l => new AdapterModule(l.Name, l.DOut, l.DIn)), heads.Concat(Embeddings(model, config)));
    }

    /// <summary>The embeddings' tensors: words, and where the family has them learnt positions and token types.</summary>
    public static IEnumerable<HeadTensor> Embeddings(Architecture model)
    {
        var names = model.Names;
        if (names.Words is null || model.Image is not null)
            yield break;
        yield return new HeadTensor($"{names.Base}.{names.Words}.weight", [model.Vocabulary, model.Width]);
        if (names.Positions is { } positions)
            yield return new HeadTensor($"{names.Base}.{positions}.weight", [model.MaxLength + model.FirstPosition, model.Width]);
        if (names.TokenTypes is { } types)
            yield return new HeadTensor($"{names.Base}.{types}.weight", [model.TokenTypes, model.Width]);
    }

    /// <summary>Refuses what cannot be trained under example-level privacy: an embedding whole.</summary>
    /// <exception cref="FedLoraException"><c>embedding-private</c>.</exception>
    public static void RequirePrivate(Architecture model, AdapterLayout layout)
    {
        if (layout.Heads.FirstOrDefault(head => IsEmbedding(model, head.Name)) is { } embedding)
            throw new FedLoraException("embedding-private",
                $"'{embedding.Name}' is an embedding: an example's own gradient by it, which privacy has to clip, is as large as the "
                    + $"embedding itself, and is not made.",
                "Take it out of modules_to_save, or train without example-level privacy.");
    }

    /// <summary>Whether a tensor that is trained whole is an embedding's, or of its norm.</summary>
    public static bool IsEmbedding(Architecture model, string tensor) =>
        Embeddings(model).Any(embedding => embedding.Name == tensor)
            || (NormOf(model) is { Length: > 0 } norm && tensor.StartsWith($"{norm}.", StringComparison.Ordinal));

    // The norm counts where the module that holds all embeddings is saved (BERT's "embeddings"): by its own name PEFT saves every norm.
    private static IEnumerable<HeadTensor> Embeddings(Architecture model, PeftConfig config)
    {
        var all = Embeddings(model);
        if (NormOf(model) is not { Length: > 0 } norm || !config.Saves(norm[..norm.LastIndexOf('.')]))
            return all;
        var parts = model.Norm == NormKind.Layer ? new[] { "weight", "bias" } : ["weight"];
        return all.Concat(parts.Select(part => new HeadTensor($"{norm}.{part}", [model.Width])));
    }

    private static string NormOf(Architecture model) =>
        model.Image is null && model.Names.EmbeddingNorm is { } norm ? $"{model.Names.Base}.{norm}" : "";

    /// <summary>LoRA settings with the defaults that PEFT has for this kind of model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rank">r.</param>
    /// <param name="alpha">lora_alpha.</param>
    /// <param name="dropout">lora_dropout.</param>
    /// <param name="targets">target_modules, see <see cref="PeftModules.From"/>; null for query and value.</param>
    public static PeftConfig Settings(Architecture model, int rank, double alpha, double dropout = 0,
        IReadOnlyList<string>? targets = null) => new()
        {
            Rank = rank,
            Alpha = alpha,
            Dropout = dropout,
            TargetModules = targets switch
            {
                null or [] => PeftModules.Of([.. DefaultTargets(model)]),
                _ => PeftModules.From(targets),
            },
            ModulesToSave = model.Task == ModelTask.Classification ? SavedModules(model) : [],
            FanInFanOut = model.TransposedLinears,
            TaskType = model.Task switch
            {
                ModelTask.CausalLanguageModelling => "CAUSAL_LM",
                ModelTask.Classification when model.Image is null => "SEQ_CLS",
                _ => null,
            },
        };

    /// <summary>Query and value, or the fused layer that holds them.</summary>
    private static IEnumerable<string> DefaultTargets(Architecture model)
    {
        var names = model.Names.Block.Attention;
        return (names.Count == 1 ? names : [names[0], names[2]]).Select(n => n[(n.LastIndexOf('.') + 1)..]);
    }

    /// <summary>The head's own modules: a dense layer that belongs to the base model (BERT's pooler) stays frozen, as with PEFT.</summary>
    private static string[] SavedModules(Architecture model)
    {
        var (head, prefix) = (model.Names.Head, $"{model.Names.Base}.");
        return [.. new[] { head.Dense, head.Output }.OfType<string>().Where(n => !n.StartsWith(prefix, StringComparison.Ordinal))
            .Select(n => n.Split('.')[0]).Distinct(StringComparer.Ordinal)];
    }

    private static IEnumerable<HeadTensor> Parameters(LinearShape linear, Architecture model)
    {
        yield return new HeadTensor($"{linear.Name}.weight", [linear.DOut, linear.DIn]);
        if (linear.Name != model.Names.Head.Output || HasOutputBias(model))
            yield return new HeadTensor($"{linear.Name}.bias", [linear.DOut]);
    }

    /// <summary>Heads of decoders have no bias, heads of encoders have one.</summary>
    public static bool HasOutputBias(Architecture model) => !model.Attention.Causal;
}
