using FedLora.Adapters;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Training.Merging;

/// <summary>What a merge wrote.</summary>
/// <param name="Model">What the merged model is.</param>
/// <param name="Modules">How many linear layers have the adapter's product in them.</param>
/// <param name="Replaced">Tensors that are the adapter's own, by the model's names.</param>
/// <param name="Files">The files of weights.</param>
/// <param name="Bytes">Of all weights.</param>
/// <param name="Untied">Whether the head was the word embedding, and is a tensor of its own now.</param>
public sealed record MergedModel(
    Architecture Model, int Modules, IReadOnlyList<string> Replaced, IReadOnlyList<string> Files, long Bytes, bool Untied);

/// <summary>A base model with an adapter merged into its weights, as a folder that transformers loads without PEFT.</summary>
public static class AdapterMerge
{
    private const string ConfigFile = "config.json";

    // What transformers reads besides weights and config, and under which terms they may be passed on.
    private static readonly string[] Kept =
    [
        "generation_config.json", "tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
        "merges.txt", "*.model", "chat_template.*", "preprocessor_config.json", "processor_config.json", "LICENSE*", "NOTICE*",
        "USE_POLICY*",
    ];

    /// <summary>
    /// Merges: W + s B A in every adapted layer (DoRA: its rows at their lengths), and the modules that were trained whole in their places.
    /// </summary>
    /// <param name="modelFolder">The base model.</param>
    /// <param name="adapterFolder">A PEFT folder that was made for it.</param>
    /// <param name="to">The folder to write, which is empty or not there; whole or not at all.</param>
    /// <param name="mostBytes">Bytes of weights in one file; null: files as the base model has them.</param>
    /// <param name="cancellationToken">Ends it; nothing is left behind.</param>
    /// <exception cref="FedLoraException">As <see cref="BaseModel.Check"/> and <see cref="PeftFolder.Read"/>; <c>out-not-empty</c>,
    /// <c>merge-head-missing</c>, <c>merge-unsupported</c>, <c>merge-not-finite</c>, <c>file-write-failed</c>.</exception>
    public static MergedModel Run(string modelFolder, string adapterFolder, string to, long? mostBytes = null,
        CancellationToken cancellationToken = default)
    {
        AtomicFile.DeleteLeftovers(to);
        if (Directory.Exists(to) && Directory.EnumerateFileSystemEntries(to).Any())
            throw new FedLoraException("out-not-empty", $"'{to}' holds files already, which could be mistaken for the merged model's.",
                "Choose a folder that is not there yet.");
        var adapter = PeftFolder.Read(adapterFolder, takesDora: true);
        var made = ModelFamily.MadeFor(modelFolder);
        var task = AdaptedModel.TaskOf(adapter) ?? made;
        var labels = task == ModelTask.Classification ? Labels(modelFolder, made, adapter) : null;
        var options = new LoadOptions { Task = task, Labels = labels };
        var model = ModelFamily.ReadFolder(modelFolder, task, labels);
        RequireHead(BaseModel.Check(modelFolder, options), adapter, modelFolder, adapterFolder);
        var layout = ModelLayout.For(model, adapter.Config);
        adapter.RequireFits(layout, adapterFolder);
        using var weights = SafetensorsFolder.Open(modelFolder);
        var plan = new MergePlan(weights, model, adapter, layout, made != task);
        var shards = Shards.Of(plan.Tensors, mostBytes);
        var files = shards.Select(shard =>
            (shard.Name, (Action<Stream>)(stream => Shards.Write(shard.Tensors, stream, cancellationToken)))).ToList();
        if (Shards.IndexOf(shards) is { } index)
            files.Add((index.Name, stream => stream.Write(index.Content)));
        var config = MergedConfig.Of(Path.Combine(modelFolder, ConfigFile), model, plan.IsUntied);
        AtomicFile.WriteAll(to, [.. files, .. Besides(modelFolder), .. Card(adapter), (ConfigFile, stream => stream.Write(config))]);
        return new MergedModel(model, layout.Modules.Length, [.. layout.Heads.Select(head => head.Name)], [.. shards.Select(s => s.Name)],
            plan.Tensors.Sum(tensor => tensor.ByteCount), plan.IsUntied);
    }

    // The adapter's, else the base model's where it has as many, else transformers' own names for classes that nobody has named.
    private static IReadOnlyList<string>? Labels(string folder, ModelTask made, PeftFolder adapter)
    {
        if (AdaptedModel.LabelsOf(adapter) is { } named)
            return named;
        var known = made == ModelTask.Classification ? ModelFamily.ReadFolder(folder).Labels : [];
        var output = ModelFamily.ReadFolder(folder, ModelTask.Classification, ["0", "1"]).Names.Head.Output;
        if (!adapter.State.TryGet($"base_model.model.{output}.weight", out var head))
            return null;
        return head.Rows == known.Count ? known : [.. Enumerable.Range(0, head.Rows).Select(i => $"LABEL_{i}")];
    }

    private static void RequireHead(IReadOnlyList<string> missing, PeftFolder adapter, string folder, string adapterFolder)
    {
        if (missing.FirstOrDefault(name => !adapter.State.TryGet($"base_model.model.{name}", out _)) is { } name)
            throw new FedLoraException("merge-head-missing",
                $"Neither '{folder}' nor '{adapterFolder}' has '{name}': the merged model would have a head that nobody has trained.",
                "Merge into the model that the adapter was trained on.");
    }

    private static IEnumerable<(string, Action<Stream>)> Besides(string folder) =>
        Kept.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern)).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).Select(path => (Path.GetFileName(path), (Action<Stream>)(stream =>
            {
                using var source = File.OpenRead(path);
                source.CopyTo(stream);
            })));

    private static IEnumerable<(string, Action<Stream>)> Card(PeftFolder adapter) =>
        adapter.Use is { } use ? [("README.md", stream => stream.Write(use.ToMergedCard()))] : [];
}
