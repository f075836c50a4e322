using System.Reflection;

namespace TorchSharp.Tests.Surface;

/// <summary>The members of an assembly that its users can see, as "TYPE: [static ]RESULT NAME(TYPE NAME, ...)".</summary>
internal static class Members
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    internal static IEnumerable<Type> Types(Assembly assembly) => assembly.GetExportedTypes().Where(type => !typeof(Delegate).IsAssignableFrom(type));

    internal static string Owner(Type type) => Spelling.Of(type);

    internal static IEnumerable<string> Of(Type type)
    {
        var owner = Owner(type) + ": ";
        foreach (var constructor in type.GetConstructors(All).Where(c => !c.IsStatic && Visible(c)))
            yield return owner + $"{Spelling.Of(type)}({Parameters(constructor)})";
        foreach (var method in type.GetMethods(All).Where(m => Visible(m) && !Inherited(m) && !Accessor(m) && !m.Name.Contains('.', StringComparison.Ordinal)))
            yield return owner + Static(method.IsStatic) + $"{Spelling.Of(method.ReturnType)} {method.Name}{Generic(method)}({Parameters(method)})";
        foreach (var property in type.GetProperties(All).Where(p => p.GetAccessors(true).Any(Visible) && !p.GetAccessors(true).All(Inherited)))
        {
            var indices = property.GetIndexParameters();
            var name = indices.Length > 0 ? "this[" + string.Join(", ", indices.Select(Written)) + "]" : property.Name;
            yield return owner + Static(property.GetAccessors(true)[0].IsStatic) + $"{Spelling.Of(property.PropertyType)} {name}";
        }
        foreach (var field in type.GetFields(All).Where(f => (f.IsPublic || f.IsFamily) && !f.IsSpecialName))
            yield return owner + Static(field.IsStatic) + $"{Spelling.Of(field.FieldType)} {field.Name}";
    }

    private static string Static(bool isStatic) => isStatic ? "static " : "";

    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    // What overrides a member of another type shows nothing new.
    private static bool Inherited(MethodInfo method) => method.GetBaseDefinition().DeclaringType != method.DeclaringType;

    private static bool Accessor(MethodInfo method) => method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);

    private static string Generic(MethodInfo method) =>
        method.IsGenericMethod ? "<" + string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name)) + ">" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Written));

    private static string Written(ParameterInfo parameter) => $"{Spelling.Of(parameter.ParameterType)} {parameter.Name}";
}
