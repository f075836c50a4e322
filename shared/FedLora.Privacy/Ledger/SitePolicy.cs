using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace FedLora.Privacy.Ledger;

/// <summary>
/// What a site allows, in its own YAML file, which the coordinator cannot change; <see cref="Described"/> says what of.
/// </summary>
public sealed partial record SitePolicy
{
    /// <summary>Every key of the file, what it may be, and what it means.</summary>
    public static IReadOnlyList<(string Key, string MayBe, string Meaning)> Described { get; } =
    [
        ("epsilon", "number above 0", "the most that each data set may spend, over all federations and for good; left out: no limit"),
        ("delta", "number between 0 and 1", "what epsilon is stated at; left out: 1e-5"),
        ("min_batch", "whole number", "the least expected batch; left out: any"),
        ("methods", "words", "the methods allowed; left out: all"),
        ("models", "words",
            "the base models allowed, by fingerprint (the client's check tells it) or by the name that federations give them; left "
                + "out: all"),
        ("federations", "words", "the federations that the site takes part in; left out: all"),
        ("memory", "e.g. 8 GiB",
            "the most memory that a task may take at the node, as the node estimates it (docs/sizing.md); left out: any"),
        ("hours", "e.g. 20:00-06:00", "when the node may train, local time; left out: always"),
        ("require_privacy", "`true`, `false`", "whether federations without privacy are refused; left out: where epsilon is stated"),
        ("forbid_mixing", "`true`, `false`",
            "whether data that were trained on without privacy are not trained on with it, nor the other way round; left out: `false`"),
    ];

    private static readonly string[] Keys = [.. Described.Select(setting => setting.Key)];

    /// <summary>The most that a data set may spend; null = no limit.</summary>
    public double? Epsilon { get; init; }

    /// <summary>The delta that epsilon is stated at.</summary>
    public double Delta { get; init; } = 1e-5;

    /// <summary>The least expected batch; 0 = any.</summary>
    public int MinBatch { get; init; }

    /// <summary>The methods allowed; empty = all.</summary>
    public IList<string> Methods { get; init; } = [];

    /// <summary>The base models allowed, by name or fingerprint; empty = all.</summary>
    public IList<string> Models { get; init; } = [];

    /// <summary>The federations that the site takes part in; empty = all.</summary>
    public IList<string> Federations { get; init; } = [];

    /// <summary>The most memory that a task may take, e.g. <c>8 GiB</c>; null = any.</summary>
    public string? Memory { get; init; }

    /// <summary>When the node may train, local time, <c>HH:mm-HH:mm</c>; null = always.</summary>
    public string? Hours { get; init; }

    /// <summary>Whether federations without differential privacy are refused.</summary>
    public bool? RequirePrivacy { get; init; }

    /// <summary>Whether one data set is used with privacy or without, but never both.</summary>
    public bool ForbidMixing { get; init; }

    /// <summary><see cref="Memory"/> in bytes; null = any.</summary>
    [YamlIgnore]
    public long? MemoryBytes => Memory is null ? null : ByteSize.Parse(Memory);

    /// <summary>The limit that the ledger enforces.</summary>
    [YamlIgnore]
    public PrivacyLimit Limit => new(Epsilon, Delta);

    /// <summary>Reads a policy file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="methods">The methods that there are: one that is listed and is none of them is a slip, and would keep the site out of
    /// every federation.</param>
    /// <exception cref="FedLoraException"><c>policy-invalid</c>: unreadable, an unknown key or method, or a value out of range.</exception>
    public static SitePolicy Load(string path, IReadOnlyCollection<string> methods)
    {
        string text;
        if (Directory.Exists(path))
            throw Invalid(path, "it is a folder");
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Invalid(path, $"it cannot be read: {e.Message.TrimEnd('.')}", e);
        }
        var policy = Parse(text, path);
        return policy.Methods.FirstOrDefault(method => !methods.Contains(method)) is { } unknown
            ? throw Invalid(path,
                $"methods: there is no method '{unknown}'{Nearest.Question(unknown, methods)}; known: {string.Join(", ", methods)}")
            : policy;
    }

    /// <summary>Reads a policy from text; <paramref name="source"/> names it in errors.</summary>
    public static SitePolicy Parse(string text, string source)
    {
        SitePolicy policy;
        try
        {
            // An empty file is more likely one that was never written than a site that allows everything.
            policy = new DeserializerBuilder().WithNamingConvention(UnderscoredNamingConvention.Instance)
                .WithTypeConverter(new PlainNumbers()).Build().Deserialize<SitePolicy?>(text) ?? throw Invalid(source, "it is empty");
        }
        catch (YamlException e)
        {
            throw Invalid(source, $"line {e.Start.Line}: {KeyAt(text, e.Start.Line)}{Said((e.InnerException ?? e).Message)}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            throw Invalid(source, "it is not YAML: brackets or quotes do not match", e);
        }
        if (policy.Epsilon is { } epsilon && !(double.IsFinite(epsilon) && epsilon > 0))
            throw Invalid(source, $"epsilon is {epsilon}, which is not a positive number");
        if (!(policy.Delta is > 0 and < 1))
            throw Invalid(source, $"delta is {policy.Delta}, which is not between 0 and 1");
        if (policy.MinBatch < 0)
            throw Invalid(source, $"min_batch is {policy.MinBatch}");
        if (policy.Memory is not null && policy.MemoryBytes is null)
            throw Invalid(source, $"memory is '{policy.Memory}', not a size with its unit, such as 8 GiB or 500 MB");
        if (policy.Hours is not null && policy.Span() is null)
            throw Invalid(source, $"hours is '{policy.Hours}', not of the form 20:00-06:00");
        return policy;
    }

    /// <summary>Why the policy refuses what a task needs, in one line; null if it allows it.</summary>
    /// <param name="memory">What training takes at most, in bytes and in words; null where that is not known.</param>
    public string? Refuses((long Bytes, string Words)? memory) =>
        MemoryBytes is not { } most || memory?.Bytes <= most ? null
            : memory is { } needed ? $"the site's policy allows tasks of {Memory} of memory, and this one takes about {needed.Words}"
            : $"the site's policy allows tasks of {Memory} of memory, and what the site's own trainer takes is not known";

    /// <summary>Why the policy refuses a federation, in one line; null if it allows it. The budget itself is asked of the ledger.</summary>
    /// <param name="federation">Its name.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="model">The base model's name, as the coordinator calls it.</param>
    /// <param name="fingerprint">The base model's fingerprint: what its weights are, whatever it is called.</param>
    /// <param name="batch">The (expected) batch; null where it cannot be known without counting the examples, which is not done.</param>
    /// <param name="isPrivate">Whether the federation has privacy terms.</param>
    public string? Refuses(string federation, string method, string model, string fingerprint, double? batch, bool isPrivate)
    {
        if (Federations.Count > 0 && !Federations.Contains(federation))
            return $"the site's policy does not list the federation '{federation}'";
        if (Methods.Count > 0 && !Methods.Contains(method))
            return $"the site's policy allows the methods {string.Join(", ", Methods)}, not {method}";
        if (Models.Count > 0 && !Models.Contains(model) && !Models.Contains(fingerprint, StringComparer.OrdinalIgnoreCase))
            return $"the site's policy allows the models {string.Join(", ", Models)}, not {model}";
        if (MinBatch > 0 && batch is null)
            return $"the site's policy asks for batches of at least {MinBatch} examples; at a stated sampling rate that is known only "
                + $"where the site states its number of examples (--public-count)";
        if (batch < MinBatch)
            return $"the site's policy asks for batches of at least {MinBatch} examples, not {batch:0.#}";
        return !isPrivate && (RequirePrivacy ?? Epsilon is not null) ? "the site's policy allows only federations with differential privacy"
            : null;
    }

    /// <summary>Whether the node may train at this local time.</summary>
    public bool IsOpen(TimeOnly now) =>
        Span() is not { } span || (span.From <= span.To ? now >= span.From && now < span.To : now >= span.From || now < span.To);

    private (TimeOnly From, TimeOnly To)? Span() =>
        Hours?.Split('-') is [var from, var to]
        && TimeOnly.TryParseExact(from.Trim(), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var start)
        && TimeOnly.TryParseExact(to.Trim(), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var end) ? (start, end) : null;

    // The key that a line begins with.
    private static string KeyAt(string text, long line) =>
        text.Split('\n').ElementAtOrDefault((int)line - 1)?.Split(':')[0].Trim() is { } key && Keys.Contains(key) ? $"{key}: " : "";

    // The library names our type; the reader wants the key.
    private static string Said(string message) => UnknownKey().Match(message) is { Success: true } unknown
        ? $"unknown key '{unknown.Groups["key"].Value}'{Nearest.Question(unknown.Groups["key"].Value, Keys)}"
        : message;

    [GeneratedRegex("^Property '(?<key>[^']*)' not found", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UnknownKey();

    private static FedLoraException Invalid(string source, string what, Exception? inner = null) =>
        new("policy-invalid", $"the site policy {source} cannot be used: {what.ReplaceLineEndings(" ")}",
            $"Its keys are {string.Join(", ", Keys)}.", inner);
}
