using System.Text;
using System.Text.Json.Nodes;
using FedLora.Adapters;

namespace FedLora.Training.Merging;

/// <summary>Which file of a merged model holds which tensor, as transformers names and lists them.</summary>
internal static class Shards
{
    private const string Single = "model.safetensors", Index = "model.safetensors.index.json";

    /// <summary>The files, in their order.</summary>
    /// <param name="tensors">In the order of the base model's files.</param>
    /// <param name="most">Bytes of tensors in one file, unless a single tensor is larger; null for the base model's files.</param>
    public static IReadOnlyList<(string Name, IReadOnlyList<MergedTensor> Tensors)> Of(IReadOnlyList<MergedTensor> tensors, long? most)
    {
        if (most is null)
            return [.. tensors.GroupBy(tensor => tensor.File).Select(file => (file.Key, (IReadOnlyList<MergedTensor>)[.. file]))];
        var groups = new List<List<MergedTensor>>();
        var size = long.MaxValue;
        foreach (var tensor in tensors)
        {
            if (size > most - tensor.ByteCount)
            {
                groups.Add([]);
                size = 0;
            }
            groups[^1].Add(tensor);
            size += tensor.ByteCount;
        }
        return [.. groups.Select((group, i) => (groups.Count == 1 ? Single : $"model-{i + 1:00000}-of-{groups.Count:00000}.safetensors",
            (IReadOnlyList<MergedTensor>)group))];
    }

    /// <summary>What writes a file.</summary>
    public static void Write(IReadOnlyList<MergedTensor> tensors, Stream stream, CancellationToken cancellationToken)
    {
        // As the reference implementation orders them.
        MergedTensor[] ordered = [.. tensors.OrderByDescending(t => t.Type).ThenBy(t => t.Name, StringComparer.Ordinal)];
        stream.Write(SafetensorsWriter.Header([.. ordered.Select(t => (t.Name, t.Type, t.Shape))]));
        foreach (var tensor in ordered)
            tensor.Write(stream.Write, cancellationToken);
    }

    /// <summary>The list of all tensors, by name and content; null where one file holds them all.</summary>
    public static (string Name, byte[] Content)? IndexOf(IReadOnlyList<(string Name, IReadOnlyList<MergedTensor> Tensors)> files)
    {
        if (files is [(Single, _)])
            return null;
        var map = files.SelectMany(file => file.Tensors.Select(tensor => (tensor.Name, File: file.Name)))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal);
        var json = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = files.Sum(file => file.Tensors.Sum(tensor => tensor.ByteCount)) },
            ["weight_map"] = new JsonObject(map.Select(entry => KeyValuePair.Create(entry.Name, (JsonNode?)entry.File))),
        };
        return (Index, Encoding.UTF8.GetBytes(json.ToJsonString(MergedConfig.Indented) + "\n"));
    }
}
