using System.Text.Json;

namespace FedLora.Training.Models;

/// <summary>Typed reading of a model's <c>config.json</c>; every complaint names the file and the key.</summary>
public sealed class ConfigJson
{
    private readonly JsonElement _object;
    private readonly string _path;

    private ConfigJson(JsonElement element, string path)
    {
        _object = element;
        _path = path;
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="FedLoraException"><c>model-config-missing</c> or <c>model-config-invalid</c>.</exception>
    public static ConfigJson Load(string path)
    {
        if (!File.Exists(path) && File.Exists(Path.Combine(Path.GetDirectoryName(path) ?? "", "adapter_config.json")))
            throw new FedLoraException("model-config-missing", $"'{Path.GetDirectoryName(path)}' holds an adapter, not a model.",
                "Give it with --adapter, and the folder of its base model with --model.");
        if (!File.Exists(path))
            throw new FedLoraException("model-config-missing", $"'{path}' does not exist, or its folder may not be read.",
                "A model folder holds config.json, model.safetensors and tokenizer.json, as Hugging Face lays them out.");
        using var stream = File.OpenRead(path);
        return Read(stream, path);
    }

    /// <summary>Reads a config that is no file of its own.</summary>
    /// <param name="stream">The JSON.</param>
    /// <param name="path">What to call it in errors.</param>
    /// <exception cref="FedLoraException"><c>model-config-invalid</c>.</exception>
    public static ConfigJson Read(Stream stream, string path)
    {
        try
        {
            using var json = JsonDocument.Parse(stream, new JsonDocumentOptions { MaxDepth = 32 });
            RequireTexts(json.RootElement);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
                return new ConfigJson(json.RootElement.Clone(), path);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new FedLoraException("model-config-invalid", $"'{path}' is not JSON ({error.Message.TrimEnd('.')}).",
                "Fetch the model folder again.", error);
        }
        throw new FedLoraException("model-config-invalid", $"'{path}' is not a JSON object.", "Fetch the model folder again.");
    }

    /// <summary>All keys.</summary>
    public IEnumerable<string> Keys => _object.EnumerateObject().Select(property => property.Name);

    /// <summary>Whether the key is there and not null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>A whole number above zero.</summary>
    public int Size(string key)
    {
        var value = Find(key) ?? throw Invalid($"lacks '{key}'");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0
            ? number
            : throw Invalid($"has '{key}': {value.GetRawText()}, which is not a whole number above 0");
    }

    /// <summary>A whole number above zero, or what stands in for it where the key is missing or null.</summary>
    public int Size(string key, int otherwise) => Has(key) ? Size(key) : otherwise;

    /// <summary>A whole number above zero, or null where the key is missing or null.</summary>
    public int? OptionalSize(string key) => Has(key) ? Size(key) : null;

    /// <summary>A token's id (some configs list several: the first), or null.</summary>
    public int? TokenId(string key) => TokenIds(key) is [var first, ..] ? first : null;

    /// <summary>Tokens' ids: one number or a list; empty where the key is missing or null.</summary>
    public IReadOnlyList<int> TokenIds(string key)
    {
        if (Find(key) is not { } value)
            return [];
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        return [
            .. items.Select(
                item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) ? id
                    : throw Invalid($"has '{key}': {value.GetRawText()}, which is not a token id"))];
    }

    /// <summary>A finite number.</summary>
    public double Number(string key, double? otherwise = null)
    {
        if (Find(key) is not { } value)
            return otherwise ?? throw Invalid($"lacks '{key}'");
        return value.ValueKind == JsonValueKind.Number && double.IsFinite(value.GetDouble()) ? value.GetDouble()
            : throw Invalid($"has '{key}': {value.GetRawText()}, which is not a number");
    }

    /// <summary>A finite number, or null where the key is missing or null.</summary>
    public double? OptionalNumber(string key) => Has(key) ? Number(key) : null;

    public bool Flag(string key, bool otherwise) => Find(key) is not { } value ? otherwise : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Invalid($"has '{key}': {value.GetRawText()}, which is neither true nor false"),
    };

    public string? Text(string key) => Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Invalid($"has '{key}': {value.GetRawText()}, which is not text");

    /// <summary>A list of texts; empty where the key is missing or null.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        if (Find(key) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            throw Invalid($"has '{key}', which is not a list of texts");
        return [.. value.EnumerateArray().Select(item => item.GetString()!)];
    }

    /// <summary>A list of numbers, or null.</summary>
    public double[]? Numbers(string key)
    {
        if (Find(key) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number))
            throw Invalid($"has '{key}', which is not a list of numbers");
        return [.. value.EnumerateArray().Select(item => item.GetDouble())];
    }

    /// <summary>An object within, or null.</summary>
    public ConfigJson? Section(string key) =>
        Find(key) is { ValueKind: JsonValueKind.Object } value ? new ConfigJson(value, $"{_path}, {key}") : null;

    /// <summary>The keys and texts of a map such as <c>id2label</c>, in the order of the file; null where it is missing.</summary>
    public IReadOnlyDictionary<string, string>? Map(string key) => Find(key) is { ValueKind: JsonValueKind.Object } value
        ? value.EnumerateObject().DistinctBy(p => p.Name, StringComparer.Ordinal).Count() == value.EnumerateObject().Count()
            ? value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ToString(), StringComparer.Ordinal)
            : throw Invalid($"has a key of '{key}' twice")
        : null;

    /// <summary>An error about this file.</summary>
    public FedLoraException Invalid(string what) =>
        new("model-config-invalid", $"'{_path}' {what}.", "Fetch the model folder again, or use a model of a known kind.");

    // Half a surrogate pair is met only by who looks at the name or text that holds it: later, at any place.
    private static void RequireTexts(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String)
            _ = element.GetString();
        foreach (var item in element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : default)
            RequireTexts(item);
        foreach (var property in element.ValueKind == JsonValueKind.Object ? element.EnumerateObject() : default)
        {
            _ = property.Name;
            RequireTexts(property.Value);
        }
    }

    private JsonElement? Find(string key) =>
        _object.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
