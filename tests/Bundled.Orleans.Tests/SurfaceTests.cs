using System.Reflection;
using System.Text.RegularExpressions;

namespace Bundled.Orleans.Tests;

/// <summary>Nothing is public here that the upstream listing does not have.</summary>
public sealed partial class SurfaceTests
{
    /// <summary>Upstream types that the listing leaves out; read in the upstream's sources. shared/bundled/README.md says the same.</summary>
    private static readonly string[] Unlisted =
    [
        "Orleans.IGrainWithGuidCompoundKey", "Orleans.IGrainWithIntegerCompoundKey", "Orleans.Runtime.OrleansMessageRejectionException",
        "Orleans.Runtime.SiloUnavailableException", "Orleans.Serialization.SerializerException", "Orleans.Serialization.CodecNotFoundException",
        "Orleans.Storage.BadProviderConfigException", "Orleans.Configuration.MessagingOptions", "Orleans.Configuration.MemoryGrainStorageOptions",
        "Orleans.Runtime.Hosting.StorageProviderExtensions",
    ];

    private static readonly Dictionary<string, HashSet<string>> Listing = Read();

    public static TheoryData<string> Types() => [.. typeof(IGrain).Assembly.GetExportedTypes().Select(type => type.FullName!)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Type_and_members_exist_upstream(string name)
    {
        var type = typeof(IGrain).Assembly.GetType(name, throwOnError: true)!;
        var key = $"{type.Namespace}.{Plain(type)}";
        if (Unlisted.Contains(key))
            return;
        Assert.True(Listing.TryGetValue(key, out var members), $"{key} is not in the listing");
        foreach (var member in Members(type))
            Assert.True(members.Contains(member), $"{key}: {member} is not in the listing, which has\n  {string.Join("\n  ", members.Order())}");
    }

    [Fact]
    public void Nothing_is_excused_that_is_listed() => Assert.DoesNotContain(Unlisted, Listing.ContainsKey);

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (type.IsEnum)
            return Enum.GetNames(type).Select(value => $"{value} = {Convert.ToInt64(Enum.Parse(type, value))}");
        var methods = type.GetMethods(All).Where(method => Visible(method) && !method.Name.StartsWith("get_", StringComparison.Ordinal)
                && !method.Name.StartsWith("set_", StringComparison.Ordinal) && !method.Name.Contains('.', StringComparison.Ordinal))
            .Select(method => $"{Name(method.ReturnType)} {method.Name.Replace("op_Equality", "==").Replace("op_Inequality", "!=")}({Parameters(method)})");
        var constructors = type.IsAbstract && type.IsSealed ? [] : type.GetConstructors(All).Where(c => !c.IsStatic && Visible(c))
            .Where(c => c.GetParameters().Length > 0).Select(c => $"{type.Name.Split('`')[0]}({Parameters(c)})");
        var properties = type.GetProperties(All).Where(p => p.GetAccessors(nonPublic: true).Any(Visible)).Select(p => $"{Name(p.PropertyType)} {p.Name}");
        var fields = type.GetFields(All).Where(f => f.IsPublic || f.IsFamily).Select(f => $"{Name(f.FieldType)} {f.Name}");
        return methods.Concat(constructors).Concat(properties).Concat(fields);
    }

    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)} {p.Name}"));

    private static string Plain(Type type) => type.Name.Split('`')[0] + (type.IsGenericType ? $"<{string.Join(", ", type.GetGenericArguments().Select(a => a.Name))}>" : "");

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return "out " + Name(type.GetElementType()!);
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Name(value);
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (type.IsGenericType)
            return $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
        return type == typeof(string) ? "string" : type == typeof(int) ? "int" : type == typeof(uint) ? "uint" : type == typeof(long) ? "long" : type == typeof(bool) ? "bool"
            : type == typeof(object) ? "object" : type == typeof(void) ? "void" : type == typeof(byte) ? "byte" : type == typeof(double) ? "double" : type.Name;
    }

    /// <summary>The listing in the same words: no modifiers, defaults, constraints, nullability or namespaces.</summary>
    private static Dictionary<string, HashSet<string>> Read()
    {
        var types = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        HashSet<string> current = [];
        foreach (var raw in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "orleans-signatures.txt")))
        {
            if (TypeLine().Match(raw) is { Success: true } head)
            {
                current = [];
                types[$"{head.Groups[1].Value}.{head.Groups[2].Value}"] = current;
                continue;
            }

            var line = Modifiers().Replace(raw.Trim(), "");
            line = Regex.Replace(line, @"\s*\{ (get|set|init).*\}$", "");
            line = Regex.Replace(line, @"\) : base\(.*$", ")");
            line = Regex.Replace(line, @" = [^,);]+(?=[,);])", line.Contains('(', StringComparison.Ordinal) ? "" : "$0");
            line = line.TrimEnd(';', ',').Replace("?", "", StringComparison.Ordinal).Replace("operator ", "", StringComparison.Ordinal).Replace("this ", "", StringComparison.Ordinal)
                .Replace("params ", "", StringComparison.Ordinal);
            line = Namespaces().Replace(line, "");
            if (line.StartsWith("const ", StringComparison.Ordinal))
                line = line[6..].Split(" = ")[0];
            // "Name<T>(" of a generic method has no arity in reflection's name.
            line = Regex.Replace(line, @"(\w+)<[\w, ]+>\(", "$1(");
            current.Add(line);
        }

        return types;
    }

    [GeneratedRegex(@"^// ---- ([\w.]+): public (?:static |sealed |abstract |readonly |partial )*(?:class|struct|interface|enum) (\w+(?:<[\w, ]+>)?)")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"\b(?:public|protected|internal|static|virtual|override|sealed|readonly|abstract|required)\s+")]
    private static partial Regex Modifiers();

    [GeneratedRegex(@"\b(?:\w+\.)+(?=\w)")]
    private static partial Regex Namespaces();
}
