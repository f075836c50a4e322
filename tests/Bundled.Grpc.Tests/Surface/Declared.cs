using System.Reflection;

namespace Bundled.Grpc.Tests.Surface;

/// <summary>What an assembly shows to others, in the spelling of <see cref="UpstreamList"/>.</summary>
internal static class Declared
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
        [typeof(bool)] = "bool",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(byte)] = "byte",
    };

    /// <summary>Public types and those nested types that classes derived from public ones see.</summary>
    public static IEnumerable<Type> Types(Assembly assembly) =>
        assembly.GetTypes().Where(Visible).OrderBy(type => type.FullName, StringComparer.Ordinal);

    public static string TypeName(Type type) => $"{type.Namespace}.{type.Name}";

    public static bool IsDelegate(Type type) => type.IsSubclassOf(typeof(Delegate));

    public static string Delegate(Type type)
    {
        var invoke = type.GetMethod("Invoke")!;
        return $"delegate {Spell(invoke.ReturnType)} {Generic(type)}({Parameters(invoke)})";
    }

    public static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            foreach (var name in Enum.GetNames(type)) yield return $"{name}={Convert.ToInt64(Enum.Parse(type, name))}";
            yield break;
        }

        foreach (var constructor in type.GetConstructors(Own).Where(Seen)) yield return $"{Bare(type)}({Parameters(constructor)})";
        foreach (var field in type.GetFields(Own).Where(field => field.IsPublic || field.IsFamily)) yield return $"{Spell(field.FieldType)} {field.Name}";
        foreach (var property in type.GetProperties(Own).Where(property => property.GetAccessors(nonPublic: true).Any(Seen)))
        {
            yield return property.GetIndexParameters() is [var index]
                ? $"{Spell(property.PropertyType)} this[{Spell(index.ParameterType)} {index.Name}]"
                : $"{Spell(property.PropertyType)} {property.Name}";
        }

        // An override adds nothing that a caller could not call before.
        foreach (var method in type.GetMethods(Own).Where(method => Seen(method) && !method.IsSpecialName && method.GetBaseDefinition() == method))
        {
            var generic = method.IsGenericMethodDefinition ? $"<{string.Join(",", method.GetGenericArguments().Select(Spell))}>" : "";
            yield return $"{Spell(method.ReturnType)} {method.Name}{generic}({Parameters(method)})";
        }
    }

    private static bool Visible(Type type) =>
        type.IsPublic || ((type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && Visible(type.DeclaringType!));

    private static bool Seen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Parameters(MethodBase method) => string.Join(",", method.GetParameters().Select(parameter => Spell(parameter.ParameterType)));

    private static string Spell(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value) return Spell(value);
        if (type.IsArray) return Spell(type.GetElementType()!) + "[]";
        return Keywords.TryGetValue(type, out var keyword) ? keyword : Generic(type);
    }

    /// <summary>Only the type's own parameters: a nested type has its owner's too.</summary>
    private static string Generic(Type type) =>
        type.Name.Contains('`')
            ? $"{Bare(type)}<{string.Join(",", type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0).Select(Spell))}>"
            : type.Name;

    private static string Bare(Type type) => type.Name.Split('`')[0];
}
