using System.Text.RegularExpressions;

namespace Bundled.Grpc.Tests.Surface;

/// <summary>
/// The list of what upstream declares, brought to one spelling: no attributes, modifiers, parameter names, defaults, constraints,
/// namespaces or marks of nullability.
/// </summary>
internal static partial class UpstreamList
{
    /// <summary>By type ("Grpc.Core.Metadata", nested types by their own name only, generic ones with their number of parameters): its members.</summary>
    public static Dictionary<string, HashSet<string>> Read(string file)
    {
        var types = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        HashSet<string> members = [];
        foreach (var line in File.ReadLines(file))
        {
            if (Header().Match(line) is { Success: true } header)
            {
                var name = $"{header.Groups["namespace"].Value}.{TypeName(Plain(header.Groups["type"].Value))}";
                if (!types.TryGetValue(name, out members!)) types[name] = members = new HashSet<string>(StringComparer.Ordinal);
            }
            else
            {
                // A delegate stands between the types; it is a type of its own and may be anyone's.
                (line.StartsWith("delegate ", StringComparison.Ordinal) ? Delegates(types) : members).Add(Member(line));
            }
        }

        return types;
    }

    public static HashSet<string> Delegates(Dictionary<string, HashSet<string>> types)
    {
        if (!types.TryGetValue("delegate", out var found)) types["delegate"] = found = new HashSet<string>(StringComparer.Ordinal);
        return found;
    }

    /// <summary>"Task&lt;bool&gt; MoveNext(CancellationToken)", "string Key", "OK=0".</summary>
    private static string Member(string line)
    {
        line = Plain(line);
        var open = line.IndexOf('(');
        if (open < 0) return Squeeze(line.Split(" = ") is [var name, var value] ? $"{name}={Number(value)}" : line);
        var close = Matching(line, open);
        var parameters = SplitTop(line[(open + 1)..close]).Select(parameter => WithoutName(parameter.Split('=')[0].Trim()));
        return Squeeze($"{line[..open]}({string.Join(",", parameters)})");
    }

    private static string Plain(string text)
    {
        text = Attribute().Replace(text, "");
        text = text.Split("{")[0].TrimEnd(';', ' ');
        text = Constraint().Replace(text, "");
        text = Qualifier().Replace(text, "");
        text = text.Replace("?", "", StringComparison.Ordinal);
        return Modifier().Replace(text, "").Trim();
    }

    private static string TypeName(string declaration)
    {
        var name = declaration.Split(" : ")[0].Trim();
        name = name[(name.IndexOf(' ') + 1)..].Replace("struct ", "", StringComparison.Ordinal);
        var open = name.IndexOf('<');
        return open < 0 ? name : $"{name[..open]}`{SplitTop(name[(open + 1)..^1]).Count()}";
    }

    private static string WithoutName(string parameter) =>
        parameter.LastIndexOf(' ') is var space and > 0 ? parameter[..space] : parameter;

    private static int Number(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal) ? Convert.ToInt32(text, 16) : int.Parse(text);

    private static string Squeeze(string text) => text.Replace(", ", ",", StringComparison.Ordinal).Trim();

    private static int Matching(string text, int open)
    {
        for (var (i, depth) = (open, 0); i < text.Length; i++)
        {
            depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
            if (depth == 0) return i;
        }

        return text.Length;
    }

    private static IEnumerable<string> SplitTop(string list)
    {
        var (start, depth) = (0, 0);
        for (var i = 0; i < list.Length; i++)
        {
            depth += list[i] is '<' or '(' ? 1 : list[i] is '>' or ')' ? -1 : 0;
            if (list[i] != ',' || depth != 0) continue;
            yield return list[start..i].Trim();
            start = i + 1;
        }

        if (list.Length > 0) yield return list[start..].Trim();
    }

    [GeneratedRegex(@"^// ---- (?<namespace>[\w.]+): (?<type>.+)$")]
    private static partial Regex Header();

    [GeneratedRegex(@"\[[A-Z][^\]]*\]\s*")]
    private static partial Regex Attribute();

    [GeneratedRegex(@"\b(public|protected|internal|static|sealed|abstract|virtual|override|async|readonly|const|partial|unsafe|this|params|in|out)\s+")]
    private static partial Regex Modifier();

    [GeneratedRegex(@"\s+where .*$")]
    private static partial Regex Constraint();

    [GeneratedRegex(@"\b(\w+\.)+(?=\w)")]
    private static partial Regex Qualifier();
}
