namespace FedLora.Federations.Definitions;

/// <summary>
/// A setting of the federation file: what it means and what it may be. The reader, the rules, the explained file, the JSON schema and the
/// page of the documentation all read it here.
/// </summary>
/// <param name="meaning">One line for people.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string meaning) : Attribute
{
    public string Meaning { get; } = meaning;

    /// <summary>The key in the file; empty: the property's name in snake_case.</summary>
    public string Key { get; init; } = "";

    /// <summary>Smallest value.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    /// <summary>Largest value.</summary>
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>The value lies above <see cref="Min"/>.</summary>
    public bool AboveMin { get; init; }

    /// <summary>The value lies below <see cref="Max"/>.</summary>
    public bool BelowMax { get; init; }

    /// <summary>The words that a text may be; none: any.</summary>
    public string[] Words { get; init; } = [];

    /// <summary>Where the words are kept that this program knows.</summary>
    public Vocabulary Vocabulary { get; init; }

    /// <summary>The file must state it.</summary>
    public bool Required { get; init; }
}

/// <summary>Lists of words that grow elsewhere.</summary>
public enum Vocabulary
{
    None,
    Methods,
    ValueFormats,
    Accountants,
    RobustRules,
}
