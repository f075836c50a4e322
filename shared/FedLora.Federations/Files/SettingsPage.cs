using System.Text;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Files;

/// <summary>
/// The tables of docs/federation.md and docs/scenario.md: every key of a file with its default, what it may be, and what it means.
/// </summary>
public static class SettingsPage
{
    /// <summary>One table for each section of a federation file, in its order.</summary>
    public static string OfFederation() => Of(typeof(FederationDefinition),
        [(FederationFile.ModelKey, "a path", FederationFile.ModelMeaning), (FederationFile.DataKey, "a path", FederationFile.DataMeaning)]);

    /// <summary>The same for another kind of file.</summary>
    /// <param name="definition">What it is read to.</param>
    /// <param name="besides">Keys that are not the definition's: what each may be and means.</param>
    public static string Of(Type definition, IReadOnlyList<(string Key, string MayBe, string Meaning)> besides)
    {
        var page = new StringBuilder();
        Table(page, "", definition, besides);
        return page.ToString();
    }

    private static void Table(StringBuilder page, string path, Type section,
        IReadOnlyList<(string Key, string MayBe, string Meaning)> besides)
    {
        var defaults = Activator.CreateInstance(section)!;
        var sections = new List<(string Path, Type Type)>();
        page.Append('\n').Append(path.Length == 0 ? "## The file" : $"## `{path}`")
            .Append("\n\n| key | default | may be | meaning |\n|---|---|---|---|\n");
        foreach (var (key, mayBe, meaning) in besides)
            page.Append($"| `{key}` | | {mayBe} | {meaning} |\n");
        foreach (var setting in Setting.Of(section))
        {
            var type = setting.MapOf ?? setting.Type;
            if (Setting.IsSection(type))
                sections.Add((Join(path, setting.Key) + (setting.MapOf is null ? "" : ".NAME"), type));
            page.Append($"| `{setting.Key}` | {Standard(setting, defaults)} | {MayBe(setting, type)} | {setting.Meaning} |\n");
        }
        foreach (var (name, type) in sections)
            Table(page, name, type, []);
    }

    private static string Standard(Setting setting, object defaults) =>
        setting.Required ? "**required**" : setting.Property.GetValue(defaults) switch
        {
            null or "" or System.Collections.ICollection => "",
            // What the file must do without: another setting decides.
            double number when !setting.Allows(number) => "",
            var value when Setting.IsSection(value.GetType()) => "",
            var value => $"`{SettingText.Of(value)}`",
        };

    private static string MayBe(Setting setting, Type type)
    {
        var kind = Setting.IsSection(type) ? "section" : type == typeof(IReadOnlyList<string>) ? "words" : type == typeof(bool)
            ? "`true`, `false`"
            : setting.Words.Count > 0 || type == typeof(string) ? "text" : type == typeof(double) ? "number" : "whole number";
        var allowed = setting.Allowed();
        return (setting.MapOf is null ? "" : "by name: ")
            + (setting.Words.Count > 0 ? string.Join(", ", setting.Words.Select(word => $"`{word}`")) : allowed.Length == 0 ? kind
                : $"{kind}, {allowed}");
    }

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
