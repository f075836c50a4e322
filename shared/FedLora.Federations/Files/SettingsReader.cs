using System.Collections;
using System.Text.Json;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Files;

/// <summary>Reads the settings of a section from a mapping of a file; what is left out keeps the record's default.</summary>
internal static class SettingsReader
{
    /// <exception cref="FedLoraException"><c>yaml-invalid</c>, naming file, line and key.</exception>
    public static T Read<T>(YamlMap yaml) => (T)Read(typeof(T), yaml);

    private static object Read(Type section, YamlMap yaml)
    {
        var settings = Setting.Of(section);
        // The record's defaults. What it requires is checked below, with the line.
        var result = Activator.CreateInstance(section)!;
        foreach (var setting in settings)
        {
            if (setting.Required && !yaml.Has(setting.Key))
                throw yaml.Missing(setting.Key, setting.Meaning);
            if (Value(setting, setting.Type, setting.Key, yaml) is { } value)
                setting.Property.SetValue(result, value);
        }
        return result;
    }

    private static object? Value(Setting setting, Type type, string key, YamlMap yaml)
    {
        if (setting.MapOf is { } values && type == setting.Type)
            return Map(setting, values, key, yaml);
        if (Setting.IsSection(type))
            return yaml.Map(key) is { } below ? Read(type, below) : null;
        if (type == typeof(IReadOnlyList<string>))
            return yaml.List(key);
        if (type == typeof(bool))
            return yaml.Flag(key);
        if (type == typeof(double))
            return yaml.Number(key);
        if (type == typeof(ulong))
            return yaml.Count(key);
        if (type == typeof(long))
            return yaml.Whole(key);
        if (type == typeof(int))
            return yaml.Whole32(key);
        if (type == typeof(TimeSpan))
            return yaml.Number(key) is { } seconds ? Time(seconds, key, yaml) : null;
        return yaml.OptionalText(key) is not { } text ? null : type.IsEnum ? Word(setting, type, text, key, yaml) : text;
    }

    private static IDictionary? Map(Setting setting, Type values, string key, YamlMap yaml)
    {
        if (yaml.Map(key) is not { } map)
            return null;
        var result = (IDictionary)Activator.CreateInstance(setting.Type)!;
        foreach (var name in map.Names())
            result[name] = Value(setting, values, name, map) ?? throw map.Error(name, "expected a value");
        return result;
    }

    private static object Word(Setting setting, Type type, string text, string key, YamlMap yaml) =>
        Enum.GetValues(type).Cast<object>().FirstOrDefault(value => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()!) == text)
        ?? throw yaml.Error(key,
            $"'{text}' is not known; known: {string.Join(", ", setting.Words)}{Nearest.Question(text, setting.Words)}");

    private static TimeSpan Time(double seconds, string key, YamlMap yaml) =>
        seconds is >= 0 and <= 1e9 && seconds == Math.Floor(seconds) ? TimeSpan.FromSeconds(seconds)
            : throw yaml.Error(key, "expected a whole number of seconds, at least 0");
}
