using System.Text.Json;
using System.Text.Json.Nodes;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Files;

/// <summary>
/// The JSON schema (2020-12) of a federation file, for editors: keys, kinds, ranges, words, defaults. Combinations are
/// <see cref="DefinitionRules"/>'.
/// </summary>
public static class FederationSchema
{
    private const string NumberPattern = @"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*/\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*$";

    /// <summary>The schema as indented text with a line break at its end.</summary>
    public static string Text() => Text(Root(), "FedLora federation");

    /// <summary>The schema of a federation.</summary>
    internal static JsonObject Root()
    {
        var root = Section(typeof(FederationDefinition));
        var properties = root["properties"]!.AsObject();
        properties[FederationFile.ModelKey] = Described("string", FederationFile.ModelMeaning);
        properties[FederationFile.DataKey] = Described("string", FederationFile.DataMeaning);
        return root;
    }

    /// <summary>A schema as a document of its own.</summary>
    internal static string Text(JsonObject root, string title)
    {
        root.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        root.Insert(1, "title", title);
        return root.ToJsonString(
            new JsonSerializerOptions
            {
                WriteIndented = true,
                Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            }).ReplaceLineEndings("\n") + "\n";
    }

    /// <summary>The schema of a section.</summary>
    internal static JsonObject Section(Type type)
    {
        var defaults = Activator.CreateInstance(type)!;
        var properties = new JsonObject();
        foreach (var setting in Setting.Of(type))
            properties[setting.Key] = Property(setting, setting.Property.GetValue(defaults));
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false };
        if (Setting.Of(type).Where(setting => setting.Required).Select(setting => (JsonNode)setting.Key)
            .ToArray() is { Length: > 0 } required)
            schema["required"] = new JsonArray(required);
        schema["properties"] = properties;
        return schema;
    }

    private static JsonObject Property(Setting setting, object? value)
    {
        var schema = setting.MapOf is { } values ? new JsonObject { ["type"] = "object", ["additionalProperties"] = Kind(setting, values) }
            : Kind(setting, setting.Type);
        schema["description"] = setting.Meaning;
        if (!setting.Required && Default(setting, value) is { } standard)
            schema["default"] = standard;
        return schema;
    }

    private static JsonObject Kind(Setting setting, Type type)
    {
        if (Setting.IsSection(type))
            return Section(type);
        if (type == typeof(IReadOnlyList<string>))
            return new JsonObject { ["type"] = new JsonArray("array", "string"), ["items"] = new JsonObject { ["type"] = "string" } };
        if (type == typeof(bool))
            return new JsonObject { ["type"] = "boolean" };
        if (setting.Words.Count > 0)
            return new JsonObject { ["enum"] = new JsonArray([.. setting.Words.Select(word => (JsonNode)word)]) };
        if (type == typeof(string))
            return new JsonObject { ["type"] = "string" };
        return type == typeof(double)
            ? Ranged(setting, new JsonObject { ["type"] = new JsonArray("number", "string"), ["pattern"] = NumberPattern })
            : Ranged(setting, new JsonObject { ["type"] = "integer" });
    }

    private static JsonObject Ranged(Setting setting, JsonObject schema)
    {
        if (!double.IsInfinity(setting.Min))
            schema[setting.AboveMin ? "exclusiveMinimum" : "minimum"] = setting.Min;
        if (!double.IsInfinity(setting.Max))
            schema[setting.BelowMax ? "exclusiveMaximum" : "maximum"] = setting.Max;
        return schema;
    }

    private static JsonNode? Default(Setting setting, object? value) => value switch
    {
        double number when !setting.Allows(number) => null,
        bool flag => flag,
        int or long or ulong or double or TimeSpan => JsonNode.Parse(SettingText.Of(value)),
        Enum => SettingText.Of(value),
        string { Length: > 0 } text => text,
        _ => null,
    };

    private static JsonObject Described(string type, string meaning) => new() { ["type"] = type, ["description"] = meaning };
}
