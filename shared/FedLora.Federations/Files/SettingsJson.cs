using System.Collections;
using System.Text.Json.Nodes;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Files;

/// <summary>Settings as JSON, defaults too, under the keys of the federation's file.</summary>
public static class SettingsJson
{
    /// <summary>A section, or the whole of a definition.</summary>
    public static JsonObject Of(object section) => new(Setting.Of(section.GetType())
        .Select(setting => KeyValuePair.Create(setting.Key, Value(setting.Property.GetValue(section))))
        .Where(pair => pair.Value is not null));

    private static JsonNode? Value(object? value) => value switch
    {
        // An option that is not stated.
        null or "" => null,
        bool flag => flag,
        int whole => whole,
        long whole => whole,
        ulong whole => whole,
        double number => double.IsFinite(number) ? number : null,
        TimeSpan time => time.TotalSeconds,
        IReadOnlyList<string> words => new JsonArray([.. words.Select(word => (JsonNode)word)]),
        IDictionary map => new JsonObject(map.Keys.Cast<string>().Select(name => KeyValuePair.Create(name, Value(map[name])))),
        _ when Setting.IsSection(value.GetType()) => Of(value),
        _ => SettingText.Of(value),
    };
}
