namespace FedLora.Training.Models;

/// <summary>One linear layer of a model.</summary>
/// <param name="Name">Dotted path.</param>
/// <param name="DOut">Length of its output.</param>
/// <param name="DIn">Length of its input.</param>
public sealed record LinearShape(string Name, int DOut, int DIn)
{
    /// <summary>All linear layers of a model, blocks in order, then the head.</summary>
    public static IReadOnlyList<LinearShape> Of(Architecture model)
    {
        var (names, attention) = (model.Names, model.Attention);
        var all = new List<LinearShape>();
        for (var i = 0; i < model.Layers; i++)
        {
            var block = BlockPath(model, i);
            all.AddRange(
                names.Block.Attention.Zip(AttentionSizes(model), (name, size) => new LinearShape($"{block}.{name}", size, model.Width)));
            all.Add(new LinearShape($"{block}.{names.Block.AttentionOutput}", model.Width, attention.Heads * attention.HeadSize));
            all.AddRange(names.Block.Inner.Zip(InnerSizes(model), (name, size) => new LinearShape($"{block}.{name}", size, model.Width)));
            all.Add(new LinearShape($"{block}.{names.Block.Outer}", model.Width, model.Inner));
        }
        if (names.Head.Dense is { } dense)
            all.Add(new LinearShape(dense, model.Width, model.Width));
        if (names.Head.Output is { } output)
            all.Add(new LinearShape(output, model.Task == ModelTask.Classification ? model.Labels.Count : model.Vocabulary, model.Width));
        return all;
    }

    /// <summary>Dotted path of a block.</summary>
    public static string BlockPath(Architecture model, int layer) => $"{model.Names.Base}.{model.Names.Blocks}.{layer}";

    /// <summary>Output lengths of the layers that make query, key and value.</summary>
    public static int[] AttentionSizes(Architecture model)
    {
        var (query, keyValue) = (model.Attention.Heads * model.Attention.HeadSize,
            model.Attention.KeyValueHeads * model.Attention.HeadSize);
        return model.Names.Block.Attention.Count == 1 ? [query + (2 * keyValue)] : [query, keyValue, keyValue];
    }

    /// <summary>Output lengths of the layers that make the feed-forward's inner state.</summary>
    public static int[] InnerSizes(Architecture model) =>
        model.Names.Block.Inner.Count == 2 ? [model.Inner, model.Inner] : [model.GatedFeedForward ? 2 * model.Inner : model.Inner];
}
