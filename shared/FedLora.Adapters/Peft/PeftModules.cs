using System.Buffers;
using System.Text.RegularExpressions;

namespace FedLora.Adapters;

/// <summary>
/// Which modules PEFT means by <c>target_modules</c> or <c>exclude_modules</c>: a list of names or of their last parts, or one regular
/// expression.
/// </summary>
/// <param name="Names">The list; empty where <paramref name="Expression"/> is given.</param>
/// <param name="Expression">A regular expression for the whole path, or <c>all-linear</c>.</param>
public sealed record PeftModules(IReadOnlyList<string> Names, string? Expression = null)
{
    /// <summary>PEFT's word for every linear layer but the output head.</summary>
    public const string AllLinear = "all-linear";

    private static readonly SearchValues<char> OfExpressions = SearchValues.Create(@"\*+?()[]{}|^$");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private readonly Regex? _expression = Expression is null or AllLinear ? null : Compile(Expression, before: "^(?:", after: ")\\z");

    public static PeftModules Of(params string[] names) => new(names);

    /// <summary>
    /// As a federation's file lists them: names, or one entry that is <c>all-linear</c> or holds what only an expression can.
    /// </summary>
    public static PeftModules From(IReadOnlyList<string> targets) =>
        targets is [var one] && (one == AllLinear || one.AsSpan().IndexOfAny(OfExpressions) >= 0) ? new PeftModules([], one)
            : new PeftModules([.. targets]);

    /// <summary>Whether a module is meant. With <c>all-linear</c> the caller asks about linear layers only.</summary>
    public bool Matches(string module) =>
        Expression == AllLinear || IsNamed(module) || EndsLikeName(module) || (_expression is not null && IsMatch(_expression, module));

    /// <summary>Whether the expression or the full path names the module, in which case PEFT does not look at layers.</summary>
    internal bool IgnoresLayers(string module) => Expression is not null || IsNamed(module);

    /// <summary>Equal if the same modules are listed.</summary>
    public bool Equals(PeftModules? other) => other is not null && Expression == other.Expression && Names.SequenceEqual(other.Names);

    public override int GetHashCode() => HashCode.Combine(Expression, Names.Count);

    /// <summary>One of Python's regular expressions.</summary>
    /// <param name="pattern">As PEFT's user wrote it.</param>
    /// <param name="before">What stands before it, in .NET's spelling and without groups.</param>
    /// <param name="after">What stands behind it; may hold groups.</param>
    /// <exception cref="FedLoraException"><c>adapter-config-invalid</c>: not a regular expression.</exception>
    internal static Regex Compile(string pattern, string before = "", string after = "")
    {
        try
        {
            var translated = PythonPattern.Translate(pattern);
            // By itself first: errors count from its beginning, and a bracket must not close one of ours.
            _ = new Regex(translated, RegexOptions.CultureInvariant, Patience);
            return new Regex(before + translated + after, RegexOptions.CultureInvariant, Patience);
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            throw new FedLoraException("adapter-config-invalid", $"'{pattern}' is not a regular expression: {error.Message}",
                "Mend target_modules or the pattern in adapter_config.json.", error);
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
            throw new FedLoraException("adapter-config-invalid", $"The expression '{regex}' takes more than a second for '{text}'.",
                "Use a simpler expression or a list of names.", error);
        }
    }

    private bool IsNamed(string module) => Names.Contains(module, StringComparer.Ordinal);

    private bool EndsLikeName(string module) => Names.Any(name => module.EndsWith($".{name}", StringComparison.Ordinal));
}
