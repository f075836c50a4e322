using System.Text.RegularExpressions;

namespace TorchSharp.Tests.Surface;

/// <summary>
/// The upstream's public members: torchsharp-signatures.txt (made by reflection, with the upstream) and, for members it does not
/// list, torchsharp-signatures-more.txt (read from the upstream's sources). Both in the spelling of <see cref="Members"/>.
/// </summary>
internal sealed partial class UpstreamList
{
    private readonly HashSet<string> _members = new(StringComparer.Ordinal);

    internal HashSet<string> Types { get; } = new(StringComparer.Ordinal);

    internal static UpstreamList Read(params string[] files)
    {
        var list = new UpstreamList();
        var folder = Path.Combine(FedLora.Tests.Fixtures.Repository, "tests", "Bundled.TorchSharp.Tests", "Surface");
        foreach (var file in files)
        {
            var owner = "";
            foreach (var line in File.ReadLines(Path.Combine(folder, file)))
            {
                if (TypeLine().Match(line) is { Success: true } type)
                    list.Types.Add(owner = Spelling.Of(type.Groups[1].Value));
                else if (line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal))
                    list._members.Add($"{owner}: {Member(line)}");
            }
        }
        return list;
    }

    internal bool Has(string member) => _members.Contains(member);

    private static string Member(string line)
    {
        var text = Modifiers().Replace(line.Trim().TrimEnd(';'), "");
        var isStatic = text.StartsWith("static ", StringComparison.Ordinal) || text.StartsWith("const ", StringComparison.Ordinal);
        text = text.Replace("static ", "", StringComparison.Ordinal).Replace("const ", "", StringComparison.Ordinal);
        text = Accessors().Replace(text, "");
        text = Constraint().Replace(text, "");
        var head = text;
        var parameters = "";
        var bracket = text.EndsWith(']') ? '[' : '(';
        if (text.EndsWith(')') || text.EndsWith(']') && text.Contains("this[", StringComparison.Ordinal))
        {
            var open = Opening(text, bracket);
            head = text[..open];
            var list = Spelling.Parts(text[(open + 1)..^1]).Select(Parameter);
            parameters = bracket + string.Join(", ", list) + (bracket == '(' ? ")" : "]");
        }
        var name = Name().Match(head.Trim());
        var result = name.Groups[1].Value.Trim();
        return (isStatic ? "static " : "") + (result.Length == 0 ? "" : Spelling.Of(result) + " ") + name.Groups[2].Value.TrimStart('@') + parameters;
    }

    private static string Parameter(string written)
    {
        var plain = written.Split('=')[0].Trim();
        var space = plain.LastIndexOf(' ');
        return Spelling.Of(plain[..space]) + " " + plain[(space + 1)..].TrimStart('@');
    }

    // The bracket that the last one closes.
    private static int Opening(string text, char bracket)
    {
        var depth = 0;
        for (var k = text.Length - 1; k >= 0; k--)
        {
            depth += text[k] is ')' or ']' ? 1 : text[k] is '(' or '[' ? -1 : 0;
            if (depth == 0 && text[k] == bracket)
                return k;
        }
        throw new FormatException(text);
    }

    [GeneratedRegex(@"^// ---- (?:static |sealed |abstract |readonly )*(?:class|struct|interface|enum) ([^:,<\s]+(?:<[^>]*>)?)")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"\b(protected internal|protected|public|override|virtual|abstract|readonly|unsafe|new)\s+")]
    private static partial Regex Modifiers();

    [GeneratedRegex(@"\s*\{ .*\}$")]
    private static partial Regex Accessors();

    [GeneratedRegex(@"\s+where \w+ :.*$")]
    private static partial Regex Constraint();

    [GeneratedRegex(@"^(.*?)\s*(@?\w+(?:<[\w\s,]+>)?)$")]
    private static partial Regex Name();
}
