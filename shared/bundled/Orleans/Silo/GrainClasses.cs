using System.Collections.Concurrent;
using System.Reflection;
using Orleans.Concurrency;
using Orleans.Configuration;

namespace Orleans.Runtime;

/// <summary>A grain class and what its attributes say.</summary>
internal sealed record GrainClass(Type Type, GrainType GrainType, bool Reentrant)
{
    public static GrainClass Of(Type type) => new(type, GrainType.Create(NameOf(type)), type.IsDefined(typeof(ReentrantAttribute)));

    /// <summary>Idle age at which activations are collected; null: never.</summary>
    public TimeSpan? CollectionAge(GrainCollectionOptions options)
    {
        if (Type.IsDefined(typeof(KeepAliveAttribute)))
            return null;
        if (Type.GetCustomAttribute<CollectionAgeLimitAttribute>() is { } limit)
            return limit.AlwaysActive ? null : limit.AgeLimit;
        return options.ClassSpecificCollectionAge.TryGetValue(Type.FullName!, out var age) ? age : options.CollectionAge;
    }

    // The upstream's convention: the same names, so that stored state is found in both modes.
    private static string NameOf(Type type)
    {
        var name = type.Name.ToLowerInvariant();
        return name.Length > 5 && name.EndsWith("grain", StringComparison.Ordinal) ? name[..^5] : name;
    }
}

/// <summary>Finds the class that implements a grain interface, among the assemblies that are loaded.</summary>
internal sealed class GrainClasses
{
    private readonly ConcurrentDictionary<(Type, string?), GrainClass> _byInterface = new();
    private readonly ConcurrentDictionary<GrainType, GrainClass> _byType = new();

    public GrainClass For(Type interfaceType, string? classNamePrefix) => _byInterface.GetOrAdd((interfaceType, classNamePrefix), key => Find(key.Item1, key.Item2));

    public GrainClass For(GrainType type) => _byType[type];

    private GrainClass Find(Type interfaceType, string? prefix)
    {
        var candidates = AppDomain.CurrentDomain.GetAssemblies().Where(assembly => !assembly.IsDynamic && MayHold(assembly, interfaceType))
            .SelectMany(Types)
            .Where(type => type is { IsClass: true, IsAbstract: false, IsGenericType: false } && typeof(IGrainBase).IsAssignableFrom(type)
                && interfaceType.IsAssignableFrom(type) && (prefix is null || type.FullName!.StartsWith(prefix, StringComparison.Ordinal)))
            .ToList();
        if (candidates.Count == 0)
            throw new ArgumentException($"Could not find an implementation for interface {interfaceType}");
        if (candidates.Count > 1)
            throw new ArgumentException($"Unable to identify a single appropriate grain type for interface {interfaceType}. Candidates: {string.Join(", ", candidates)}");
        var found = GrainClass.Of(candidates[0]);
        var known = _byType.GetOrAdd(found.GrainType, found);
        return known.Type == found.Type ? known : throw new ArgumentException($"Grain classes {known.Type} and {found.Type} have the same grain type {found.GrainType}.");
    }

    private static bool MayHold(Assembly assembly, Type interfaceType) =>
        assembly == interfaceType.Assembly || assembly.GetReferencedAssemblies().Any(name => name.Name == interfaceType.Assembly.GetName().Name);

    private static IEnumerable<Type> Types(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException partial)
        {
            return partial.Types.OfType<Type>();
        }
    }
}
