using System.Text.RegularExpressions;

namespace FedLora.Grains.Enrolment;

/// <summary>What a node may be called.</summary>
public static partial class NodeName
{
    /// <summary>The rule, for people.</summary>
    public const string Rule = "1-64 characters of a-z, 0-9, '-', '.'.";

    /// <summary>Whether it follows the rule.</summary>
    public static bool IsValid(string name) => Pattern().IsMatch(name);

    [GeneratedRegex("^[a-z0-9.-]{1,64}\\z", RegexOptions.None, 1000)]
    private static partial Regex Pattern();
}
