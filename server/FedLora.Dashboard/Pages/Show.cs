using FedLora.Privacy;

namespace FedLora.Dashboard.Pages;

/// <summary>Quantities for people.</summary>
internal static class Show
{
    /// <summary>An epsilon that was spent: rounded up, so that what is shown is never less than what is meant.</summary>
    internal static string Spent(double epsilon) => EpsilonText.AtMost(epsilon);

    /// <summary>A lower bound or a limit: rounded down.</summary>
    internal static string AtLeast(double epsilon) => EpsilonText.AtLeast(epsilon);

    internal static string Delta(double delta) => delta.ToString("0.###e-0");

    internal static string Percent(double share) => double.IsFinite(share) ? $"{Math.Ceiling(share * 1000) / 10:0.#} %" : "over";

    internal static string Number(double value) => value.ToString("0.####");

    /// <summary>E.g. <c>1.2 MB</c>; powers of ten.</summary>
    internal static string Bytes(double count) => count switch
    {
        < 1e3 => $"{count:0} B",
        < 1e6 => $"{count / 1e3:0.0} kB",
        < 1e9 => $"{count / 1e6:0.0} MB",
        _ => $"{count / 1e9:0.00} GB",
    };

    /// <summary>E.g. <c>4.2 s</c>, <c>12 min</c>, <c>3.5 h</c>, <c>8 days</c>.</summary>
    internal static string Span(TimeSpan span) => span.TotalSeconds < 90 ? $"{span.TotalSeconds:0.#} s"
        : span.TotalMinutes < 90 ? $"{span.TotalMinutes:0} min"
        : span.TotalHours < 48 ? $"{span.TotalHours:0.#} h" : $"{span.TotalDays:0} days";

    /// <summary>The beginning of a long name that nobody reads whole.</summary>
    internal static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;

    internal static string Count(long count, string one, string many) => $"{count:#,0} {(count == 1 ? one : many)}";

    internal static string State(FederationState state) => state.ToString().ToLowerInvariant();
}
