using System.Collections;
using System.Globalization;
using System.Text.Json;
using FedLora.Federations.Definitions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace FedLora.Federations.Files;

/// <summary>
/// Writes the settings of a section as YAML that <see cref="SettingsReader"/> reads to the same, each with what it means.
/// </summary>
internal sealed class SettingsWriter(TextWriter text)
{
    private readonly Emitter _emitter = new(text, new EmitterSettings().WithBestWidth(int.MaxValue));

    /// <summary>A whole document.</summary>
    public void Write(object section)
    {
        _emitter.Emit(new StreamStart());
        _emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        Section(section);
        _emitter.Emit(new DocumentEnd(isImplicit: true));
        _emitter.Emit(new StreamEnd());
    }

    private void Section(object section)
    {
        _emitter.Emit(new MappingStart());
        foreach (var setting in Setting.Of(section.GetType()))
        {
            if (setting.Property.GetValue(section) is not { } value || IsNothing(value))
                continue;
            var allowed = setting.Allowed();
            _emitter.Emit(new Comment(allowed.Length == 0 ? setting.Meaning : $"{setting.Meaning} ({allowed})", isInline: false));
            Scalar(setting.Key);
            Value(value);
        }
        _emitter.Emit(new MappingEnd());
    }

    private void Value(object value)
    {
        switch (value)
        {
            case IDictionary map:
                _emitter.Emit(new MappingStart());
                foreach (DictionaryEntry entry in map)
                {
                    Text((string)entry.Key);
                    Value(entry.Value!);
                }
                _emitter.Emit(new MappingEnd());
                break;
            case IEnumerable<string> list:
                _emitter.Emit(new SequenceStart(null, null, isImplicit: true, SequenceStyle.Flow));
                foreach (var item in list)
                    Text(item);
                _emitter.Emit(new SequenceEnd());
                break;
            case var section when Setting.IsSection(section.GetType()):
                Section(section);
                break;
            case string text:
                Text(text);
                break;
            default:
                Scalar(SettingText.Of(value));
                break;
        }
    }

    // A text that is left empty, and a list or mapping without entries, are what they are without being written.
    private static bool IsNothing(object value) => value is "" or ICollection { Count: 0 } || (value is IReadOnlyList<string> { Count: 0 });

    // Quoted where an editor would take the text for something else.
    private void Text(string value) => _emitter.Emit(
        value is "true" or "false" or "null" or "~" || Number.Parse(value) is not null
            ? new Scalar(null, null, value, ScalarStyle.DoubleQuoted, false, true) : new Scalar(value));

    private void Scalar(string value) => _emitter.Emit(new Scalar(value));
}

/// <summary>Values as files write them.</summary>
internal static class SettingText
{
    public static string Of(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        TimeSpan time => time.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        Enum word => JsonNamingPolicy.KebabCaseLower.ConvertName(word.ToString()),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
