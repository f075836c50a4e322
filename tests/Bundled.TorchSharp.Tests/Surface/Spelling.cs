using System.Text;
using System.Text.RegularExpressions;

namespace TorchSharp.Tests.Surface;

/// <summary>Brings types, written by hand or read by reflection, to one spelling, so that they can be compared as text.</summary>
internal static partial class Spelling
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
        [typeof(char)] = "char",
    };

    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        ["UInt64"] = "ulong",
        ["Char"] = "char",
        ["IntPtr"] = "nint",
        ["Int64"] = "long",
    };

    // Nullable value types differ from the plain ones; a "?" on a reference type says nothing at run time.
    private static readonly HashSet<string> Values = [.. Keywords.Where(pair => pair.Key.IsValueType).Select(pair => pair.Value), "ScalarType", "Half", "Complex", "BFloat16"];

    internal static string Of(Type type)
    {
        if (type.IsByRef)
            return Of(type.GetElementType()!);
        if (type.IsArray)
            return Of(type.GetElementType()!) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Of(underlying) + "?";
        if (type == typeof(nint))
            return "nint";
        if (Keywords.TryGetValue(type, out var keyword))
            return keyword;
        if (type.IsGenericType && type.Name.StartsWith("ValueTuple`", StringComparison.Ordinal))
            return "(" + string.Join(", ", type.GetGenericArguments().Select(Of)) + ")";
        var name = type.Name.Split('`')[0];
        return type.IsGenericType ? name + "<" + string.Join(", ", type.GetGenericArguments().Select(Of)) + ">" : name;
    }

    /// <summary>"torch.nn.Reduction" as "Reduction", "(Tensor U, Tensor S)" as "(Tensor, Tensor)", "ValueTuple&lt;A, B&gt;" as "(A, B)".</summary>
    internal static string Of(string written)
    {
        written = written.Trim();
        foreach (var modifier in (string[])["params ", "this ", "out ", "ref ", "in "])
        {
            if (written.StartsWith(modifier, StringComparison.Ordinal))
                return Of(written[modifier.Length..]);
        }
        if (written.EndsWith('?'))
        {
            var inner = Of(written[..^1]);
            return Values.Contains(inner) || inner.StartsWith('(') ? inner + "?" : inner;
        }
        if (written.EndsWith(']'))
        {
            var open = written.LastIndexOf('[');
            return Of(written[..open]) + written[open..];
        }
        if (written.StartsWith('('))
            return "(" + string.Join(", ", Parts(written[1..^1]).Select(part => Of(TypeOf(part)))) + ")";
        if (written.EndsWith('>'))
        {
            var open = written.IndexOf('<', StringComparison.Ordinal);
            var arguments = Parts(written[(open + 1)..^1]).Select(Of);
            var name = Of(written[..open]);
            return name == "ValueTuple" ? "(" + string.Join(", ", arguments) + ")" : name + "<" + string.Join(", ", arguments) + ">";
        }
        var last = written[(written.LastIndexOf('.') + 1)..].TrimStart('@');
        return Names.GetValueOrDefault(last, last);
    }

    /// <summary>Splits at the commas that are not inside brackets.</summary>
    internal static IEnumerable<string> Parts(string list)
    {
        var (depth, part) = (0, new StringBuilder());
        foreach (var c in list)
        {
            depth += c is '(' or '<' or '[' ? 1 : c is ')' or '>' or ']' ? -1 : 0;
            if (c == ',' && depth == 0)
            {
                yield return part.ToString();
                part.Clear();
            }
            else
            {
                part.Append(c);
            }
        }
        if (part.ToString().Trim().Length > 0)
            yield return part.ToString();
    }

    /// <summary>The type of "TYPE name" or of a bare "TYPE".</summary>
    internal static string TypeOf(string declared) => Name().Match(declared.Trim()) is { Success: true } named ? named.Groups[1].Value : declared.Trim();

    [GeneratedRegex(@"^(.*[^\s,(<])\s+@?\w+$")]
    private static partial Regex Name();
}
