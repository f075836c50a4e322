using System.Text.RegularExpressions;

namespace FedLora.Adapters;

/// <summary>Which modules PEFT means by <c>target_modules</c> or <c>exclude_modules</c>: a list of names or of their last parts, or one regular expression.</summary>
/// <param name="Names">The list; empty where <paramref name="Expression"/> is given.</param>
/// <param name="Expression">A regular expression for the whole path, or <c>all-linear</c>.</param>
public sealed record PeftModules(IReadOnlyList<string> Names, string? Expression = null)
{
    /// <summary>PEFT's word for every linear layer but the output head.</summary>
    public const string AllLinear = "all-linear";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private readonly Regex? _expression = Expression is null or AllLinear ? null : Compile($"^(?:{Expression})\\z");

    public static PeftModules Of(params string[] names) => new(names);

    /// <summary>Whether a module is meant. With <c>all-linear</c> the caller asks about linear layers only.</summary>
    public bool Matches(string module) => Expression == AllLinear || IsNamed(module) || EndsLikeName(module) || (_expression is not null && IsMatch(_expression, module));

    /// <summary>Whether the expression or the full path names the module, in which case PEFT does not look at layers.</summary>
    internal bool IgnoresLayers(string module) => Expression is not null || IsNamed(module);

    /// <summary>Equal if the same modules are listed.</summary>
    public bool Equals(PeftModules? other) => other is not null && Expression == other.Expression && Names.SequenceEqual(other.Names);

    public override int GetHashCode() => HashCode.Combine(Expression, Names.Count);

    /// <exception cref="FedLoraException"><c>adapter-config-invalid</c>: not a regular expression.</exception>
    internal static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, _patience);
        }
        catch (ArgumentException error)
        {
            throw new FedLoraException("adapter-config-invalid", $"'{pattern}' is not a regular expression: {error.Message}", "Mend target_modules or the pattern in adapter_config.json.", error);
        }
    }

    internal static bool IsMatch(Regex regex, string text)
    {
        try
        {
            return regex.IsMatch(text);
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new FedLoraException("adapter-config-invalid", $"The expression '{regex}' takes more than a second for '{text}'.", "Use a simpler expression or a list of names.", error);
        }
    }

    private bool IsNamed(string module) => Names.Contains(module, StringComparer.Ordinal);

    private bool EndsLikeName(string module) => Names.Any(name => module.EndsWith($".{name}", StringComparison.Ordinal));
}
