using System.Text.Json;

namespace FedLora.Tokenizers;

/// <summary>A JSON object of a tokenizer.json with the path to it, so that an error names the place.</summary>
/// <param name="Element">What is there.</param>
/// <param name="Path">Where it is in the file.</param>
/// <param name="File">The file.</param>
internal readonly record struct JsonNode(JsonElement Element, string Path, string File)
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
            return At(Element.TryGetProperty(name, out var value) ? value : default, Path.Length == 0 ? name : $"{Path}.{name}");
        }
    }

    public IEnumerable<JsonNode> Items()
    {
        Expect(JsonValueKind.Array);
        var self = this;
        return Element.EnumerateArray().Select((item, i) => self.At(item, $"{self.Path}[{i}]"));
    }

    /// <summary>Something else of the same file.</summary>
    public JsonNode At(JsonElement element, string path) => this with { Element = element, Path = path };

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

    public int Number(string name, int? missing = null) =>
        this[name] is { IsNull: true } && missing is { } value ? value : this[name].AsNumber();

    /// <summary>A number with a fraction.</summary>
    public double Fraction(string name)
    {
        var value = this[name];
        value.Expect(JsonValueKind.Number);
        return value.Element.GetDouble();
    }

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
        new("tokenizer-invalid", $"{File}: {(Path.Length == 0 ? "the file" : Path)} {what}.",
            "Fetch the file again from where the model came from.");

    public FedLoraException Unsupported(string kind, string known) =>
        new("tokenizer-unsupported", $"{File}: {Path} is of type {Type}, a {kind} that is not supported.",
            $"Use a tokenizer with one of: {known}.");
}
