using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FedLora.Adapters;

/// <summary>
/// What using an adapter needs and PEFT's settings have no place for: <c>fedlora.json</c> beside them. It is not called <c>config.json</c>,
/// since transformers takes a folder with that file for a whole model.
/// </summary>
public sealed record AdapterUse
{
    /// <summary>Its file.</summary>
    public const string FileName = "fedlora.json";

    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Classification: the classes' names by index; empty otherwise.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Longest text in tokens that it was trained on; null where nobody says.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>It classifies images.</summary>
    public bool OfImages { get; init; }

    /// <summary>The base model's name, for people.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The base model's fingerprint (SHA-256 in hex over configuration and weights), or null.</summary>
    public string? BaseFingerprint { get; init; }

    /// <summary>
    /// What was promised of the privacy of whoever's data it was trained on: sentences for people; null where nothing was.
    /// </summary>
    public string? Privacy { get; init; }

    /// <summary>Reads a folder's; null where it has none (adapters that PEFT wrote).</summary>
    /// <exception cref="FedLoraException"><c>adapter-config-invalid</c>.</exception>
    public static AdapterUse? Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file))
            return null;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { MaxDepth = 8 });
            var root = json.RootElement;
            var labels = Find(root, "id2label") is { } map
                ? map.EnumerateObject()
                    .ToDictionary(p => p.Name, p => p.Value.GetString() ?? throw new FormatException("a label is null"),
                        StringComparer.Ordinal) : [];
            return new AdapterUse
            {
                Labels = [.. Enumerable.Range(0, labels.Count).Select(i => labels[$"{i}"])],
                MaxTokens = Find(root, "max_tokens")?.GetInt32(),
                OfImages = Find(root, "images")?.GetBoolean() ?? false,
                BaseModel = Find(root, "base_model")?.GetString(),
                BaseFingerprint = Find(root, "base_model_fingerprint")?.GetString(),
                Privacy = Find(root, "privacy")?.GetString(),
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException
            or ArgumentException)
        {
            throw new FedLoraException("adapter-config-invalid", $"'{file}' cannot be read ({error.Message.TrimEnd('.')}).",
                "Export the adapter again, or delete the file and give --labels.", error);
        }
    }

    /// <summary>The file.</summary>
    internal byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            json.WriteString("base_model", BaseModel);
            json.WriteString("base_model_fingerprint", BaseFingerprint);
            if (Labels.Count > 0)
            {
                json.WriteStartObject("id2label");
                foreach (var (index, label) in Labels.Index())
                    json.WriteString($"{index}", label);
                json.WriteEndObject();
            }
            if (MaxTokens is { } most)
                json.WriteNumber("max_tokens", most);
            if (OfImages)
                json.WriteBoolean("images", true);
            if (Privacy is not null)
                json.WriteString("privacy", Privacy);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    /// <summary>A card as the hub shows it, with how to load the adapter in Python.</summary>
    internal byte[] ToCard()
    {
        var (kind, arguments) = Labels.Count > 0
            ? (OfImages ? "AutoModelForImageClassification" : "AutoModelForSequenceClassification",
                ", num_labels=len(id2label), id2label=id2label, label2id={label: i for i, label in id2label.items()}")
            : ("AutoModelForCausalLM", "");
        var lines = new List<string>
        {
            "---", "library_name: peft", $"base_model: {JsonSerializer.Serialize(BaseModel)}", "tags: [lora, federated-learning]", "---",
            "",
            $"A LoRA adapter, trained with FedLora. `{FileName}` says which base model it was trained on, its labels by index"
                + $"{(OfImages ? "." : ", and the longest text of its training.")}", "",
            "```python", "import json", "from peft import PeftModel", $"from transformers import {kind}", "",
            "base, adapter = \"path/to/base-model\", \"path/to/this-folder\"",
        };
        if (Privacy is not null)
            lines.InsertRange(lines.IndexOf("```python"), ["## Privacy", "", Privacy, ""]);
        if (Labels.Count > 0)
            lines.Add($"id2label = {{int(i): label for i, label in json.load(open(f\"{{adapter}}/{FileName}\"))[\"id2label\"].items()}}");
        lines.AddRange(
            [$"model = {kind}.from_pretrained(base{arguments})", "model = PeftModel.from_pretrained(model, adapter)", "```", ""]);
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    /// <summary>The card of a base model that this adapter is merged into.</summary>
    public byte[] ToMergedCard()
    {
        List<string> lines =
        [
            "---", "library_name: transformers", $"base_model: {JsonSerializer.Serialize(BaseModel)}", "tags: [federated-learning]", "---",
            "", "A base model with a LoRA adapter, trained with FedLora, merged into its weights.", "",
        ];
        if (MaxTokens is { } most)
            lines.AddRange([$"The longest text of its training had {most} tokens.", ""]);
        if (Privacy is not null)
            lines.AddRange(["## Privacy", "", Privacy, ""]);
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    private static JsonElement? Find(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
