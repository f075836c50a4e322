using System.Text.Json;
using FedLora.Adapters;

namespace FedLora.Training.Tokenizers;

/// <summary>A JSON object of a tokenizer.json with the path to it, so that an error names the place.</summary>
internal readonly record struct JsonNode(JsonElement Element, string Path)
{
    /// <summary>The component's <c>type</c>.</summary>
    public string Type => Text("type");

    public bool IsNull => Element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>A property; <see cref="IsNull"/> when it is missing or null.</summary>
    public JsonNode this[string name]
    {
        get
        {
            Expect(JsonValueKind.Object);
            return new JsonNode(Element.TryGetProperty(name, out var value) ? value : default, Path.Length == 0 ? name : $"{Path}.{name}");
        }
    }

    public IEnumerable<JsonNode> Items()
    {
        Expect(JsonValueKind.Array);
        var path = Path;
        return Element.EnumerateArray().Select((item, i) => new JsonNode(item, $"{path}[{i}]"));
    }

    public string Text(string name) => this[name].AsText();

    public string Text(string name, string missing) => this[name] is { IsNull: false } value ? value.AsText() : missing;

    public string AsText()
    {
        Expect(JsonValueKind.String);
        return Element.GetString()!;
    }

    public bool Flag(string name, bool missing = false) => this[name].Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null or JsonValueKind.Undefined => missing,
        _ => throw this[name].Error("should be true or false"),
    };

    public int Number(string name, int? missing = null) => this[name] is { IsNull: true } && missing is { } value ? value : this[name].AsNumber();

    public int AsNumber()
    {
        Expect(JsonValueKind.Number);
        return Element.TryGetInt32(out var value) && value >= 0 ? value : throw Error("should be a whole number of at least 0");
    }

    /// <summary>The first code point of a text that must have one.</summary>
    public int Character(string name)
    {
        var text = Text(name);
        return text.Length > 0 ? char.ConvertToUtf32(text, 0) : throw this[name].Error("should be a character");
    }

    public void Expect(JsonValueKind kind)
    {
        if (Element.ValueKind != kind)
            throw Error(Element.ValueKind == JsonValueKind.Undefined ? "is missing" : $"should be of kind {kind}, not {Element.ValueKind}");
    }

    public FedLoraException Error(string what) =>
        new("tokenizer-invalid", $"tokenizer.json: {(Path.Length == 0 ? "the file" : Path)} {what}.", "Fetch the file again from where the model came from.");

    public FedLoraException Unsupported(string kind, string known) =>
        new("tokenizer-unsupported", $"tokenizer.json: {Path} is of type {Type}, a {kind} that is not supported.", $"Use a tokenizer with one of: {known}.");
}
