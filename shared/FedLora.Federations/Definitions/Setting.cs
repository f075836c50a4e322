using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using FedLora.Aggregation;
using FedLora.Compression;
using FedLora.Privacy;

namespace FedLora.Federations.Definitions;

/// <summary>One setting: a property of a definition's records and what <see cref="SettingAttribute"/> says of it.</summary>
public sealed class Setting
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<Setting>> Known = new();
    private readonly SettingAttribute _about;

    private Setting(PropertyInfo property, SettingAttribute about)
    {
        (Property, _about) = (property, about);
        Key = about.Key.Length > 0 ? about.Key : JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        Type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Words = about.Vocabulary switch
        {
            Vocabulary.Methods => [.. Methods.All.Select(method => method.Name)],
            Vocabulary.ValueFormats => [.. ValueFormats.ByName.Keys],
            Vocabulary.Accountants => Accountants.Names,
            Vocabulary.RobustRules => [.. RobustTerms.Rules.Keys],
            _ => Type.IsEnum ? [.. Enum.GetNames(Type).Select(JsonNamingPolicy.KebabCaseLower.ConvertName)] : about.Words,
        };
    }

    public PropertyInfo Property { get; }

    /// <summary>Without the mark that it may be null.</summary>
    public Type Type { get; }

    public string Key { get; }

    public string Meaning => _about.Meaning;

    public bool Required => _about.Required;

    public double Min => _about.Min;

    public double Max => _about.Max;

    public bool AboveMin => _about.AboveMin;

    public bool BelowMax => _about.BelowMax;

    /// <summary>The words that it may be; empty: any.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>What the values of a mapping from names are; null where it is none.</summary>
    public Type? MapOf =>
        Type.IsGenericType && Type.GetGenericTypeDefinition() == typeof(Dictionary<,>) ? Type.GetGenericArguments()[1] : null;

    /// <summary>The settings of a section, in the order of its record.</summary>
    public static IReadOnlyList<Setting> Of(Type section) => Known.GetOrAdd(section, type =>
        [.. type.GetProperties().Select(property => (property, about: property.GetCustomAttribute<SettingAttribute>()))
            .Where(pair => pair.about is not null).Select(pair => new Setting(pair.property, pair.about!))]);

    /// <summary>Whether it has settings below it.</summary>
    public static bool IsSection(Type type) => type.IsClass && type != typeof(string) && Of(type).Count > 0;

    /// <summary>What is allowed, for people; empty: anything of its kind.</summary>
    public string Allowed()
    {
        if (Words.Count > 0)
            return "one of " + string.Join(", ", Words);
        var low = double.IsInfinity(Min) ? "" : (AboveMin ? "above " : "at least ") + Text(Min);
        var high = double.IsInfinity(Max) ? "" : (BelowMax ? "below " : "at most ") + Text(Max);
        return (low, high) switch
        {
            ("", _) => high,
            (_, "") => low,
            _ when !AboveMin && !BelowMax => $"{Text(Min)} to {Text(Max)}",
            _ => $"{low} and {high}",
        };
    }

    /// <summary>Whether a number lies in the range.</summary>
    public bool Allows(double value) =>
        (AboveMin ? value > Min : value >= Min) && (BelowMax ? value < Max : value <= Max) && double.IsFinite(value);

    internal static string Text(double value) => value.ToString("0.################", CultureInfo.InvariantCulture);
}
