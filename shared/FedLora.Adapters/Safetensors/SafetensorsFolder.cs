using System.Text.Json;

namespace FedLora.Adapters;

/// <summary>
/// The weights of a Hugging Face model folder: <c>model.safetensors</c>, or where that is missing the files that
/// <c>model.safetensors.index.json</c> lists.
/// </summary>
public sealed class SafetensorsFolder : IDisposable
{
    private const string Single = "model.safetensors";

    private readonly Dictionary<string, SafetensorsFile> _fileOf = new(StringComparer.Ordinal);
    private readonly List<SafetensorsFile> _files = [];

    private SafetensorsFolder(string path) => Path = path;

    public string Path { get; }

    /// <summary>All tensors' names.</summary>
    public IReadOnlyCollection<string> Names => _fileOf.Keys;

    /// <summary>Maps all files of a folder.</summary>
    /// <exception cref="FedLoraException"><c>file-missing</c>, <c>safetensors-index-invalid</c> or what <see cref="SafetensorsFile.Open"/>
    /// says.</exception>
    public static SafetensorsFolder Open(string path)
    {
        var folder = new SafetensorsFolder(path);
        try
        {
            // In the order of transformers: an index that an earlier save left behind does not count.
            var index = System.IO.Path.Combine(path, "model.safetensors.index.json");
            if (!File.Exists(System.IO.Path.Combine(path, Single)) && File.Exists(index))
                folder.AddShards(index);
            else if (!File.Exists(System.IO.Path.Combine(path, Single)) && Directory.Exists(path) && Instead(path) is { } other)
                throw other;
            else
                folder.Add(Single);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    // What a folder has where its weights should be, and what its owner can do about it.
    private static FedLoraException? Instead(string path)
    {
        string convert = $"Convert it in Python: AutoModel.from_pretrained(\"{path}\"", save = $").save_pretrained(\"{path}\"), with the "
            + "class of its task (AutoModelForCausalLM, ...).";
        (string Files, string What, string Hint)[] known =
        [
            ("pytorch_model*.bin*", "has its weights in pytorch_model.bin, a pickle, which is not read", convert + save),
            ("tf_model*.h5*", "has its weights in tf_model.h5, as TensorFlow writes them", convert + ", from_tf=True" + save),
            ("flax_model*.msgpack*", "has its weights in flax_model.msgpack, as Flax writes them", convert + ", from_flax=True" + save),
            ("*.gguf", "has its weights in a GGUF file, which is not read", "Fetch the model as it was before the conversion to GGUF."),
            ("adapter_model.*", "holds an adapter, not a model", "Give it with --adapter, and the folder of its base model with --model."),
            ("model-*.safetensors", "has parts of its weights but not model.safetensors.index.json, which says where each lies",
                "Fetch that file too, and all parts that it lists."),
            ("*.safetensors", "has its weights under a name that is not looked for", "Name the file model.safetensors."),
        ];
        return Array.Find(known, one => Directory.EnumerateFiles(path, one.Files).Any()) is { Files: not null } found
            ? new FedLoraException("file-missing", $"'{path}' {found.What}.", found.Hint) : null;
    }

    public bool Contains(string name) => _fileOf.ContainsKey(name);

    /// <summary>The file that holds a tensor.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>.</exception>
    public SafetensorsFile FileOf(string name) => _fileOf.TryGetValue(name, out var file)
        ? file
        : throw new FedLoraException("tensor-missing", $"The model in '{Path}' has no tensor '{name}'.",
            "Its config.json and its weights do not belong together, or a file is missing.");

    public SafetensorsEntry Entry(string name) => FileOf(name).Entry(name);

    /// <inheritdoc cref="SafetensorsFile.ReadFloats"/>
    public float[] ReadFloats(string name) => FileOf(name).ReadFloats(name);

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private SafetensorsFile Add(string name)
    {
        var file = SafetensorsFile.Open(System.IO.Path.Combine(Path, name));
        _files.Add(file);
        foreach (var tensor in file.Tensors.Keys)
        {
            if (!_fileOf.TryAdd(tensor, file))
                throw Invalid($"tensor '{tensor}' lies in '{_fileOf[tensor].Path}' and in '{file.Path}'");
        }
        return file;
    }

    private void AddShards(string index)
    {
        var map = ReadMap(index);
        foreach (var shard in map.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (shard.Length == 0 || shard.AsSpan().IndexOfAny('/', '\\') >= 0)
                throw Invalid($"'{shard}' is not the name of a file in this folder");
            Add(shard);
        }
        foreach (var (tensor, shard) in map)
        {
            if (!_fileOf.TryGetValue(tensor, out var file) || System.IO.Path.GetFileName(file.Path) != shard)
                throw Invalid($"tensor '{tensor}' is not in '{shard}'");
        }
        if (_fileOf.Keys.FirstOrDefault(name => !map.ContainsKey(name)) is { } extra)
            throw Invalid($"tensor '{extra}' of '{_fileOf[extra].Path}' is not listed");
    }

    private Dictionary<string, string> ReadMap(string index)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            return json.RootElement.GetProperty("weight_map").EnumerateObject()
                .ToDictionary(p => p.Name, p => p.Value.GetString() ?? "", StringComparer.Ordinal);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            throw Invalid($"it has no readable weight_map ({error.Message.TrimEnd('.')})");
        }
    }

    private FedLoraException Invalid(string what) =>
        new("safetensors-index-invalid", $"model.safetensors.index.json in '{Path}': {what}.", "Fetch the model folder again.");
}
