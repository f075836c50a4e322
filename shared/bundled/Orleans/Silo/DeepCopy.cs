using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>
/// What upstream's copiers do to arguments and results of a local call: values, strings and <see cref="ImmutableAttribute"/> types are shared, everything
/// else is copied, and a type without <see cref="GenerateSerializerAttribute"/> is refused.
/// </summary>
internal static class DeepCopy
{
    private static readonly HashSet<Type> Shared =
    [
        typeof(string), typeof(decimal), typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan), typeof(Guid),
        typeof(Half), typeof(Int128), typeof(UInt128), typeof(Uri), typeof(Version), typeof(CancellationToken), typeof(object), typeof(GrainId), typeof(GrainType),
        typeof(IdSpan),
    ];

    private static readonly ConcurrentDictionary<Type, Func<object, Dictionary<object, object>, object>?> Copiers = new();
    private static readonly MethodInfo Clone = typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!;

    public static object? Of(object? value) => value is null ? null : Copy(value, new(ReferenceEqualityComparer.Instance));

    private static object Copy(object value, Dictionary<object, object> seen)
    {
        var copier = Copiers.GetOrAdd(value.GetType(), CopierOf);
        if (copier is null)
            return value;
        return seen.TryGetValue(value, out var copy) ? copy : copier(value, seen);
    }

    /// <summary>Null: shared.</summary>
    private static Func<object, Dictionary<object, object>, object>? CopierOf(Type type)
    {
        if (type.IsPrimitive || type.IsEnum || Shared.Contains(type) || type.IsDefined(typeof(ImmutableAttribute), inherit: false)
            || typeof(IAddressable).IsAssignableFrom(type) || typeof(Exception).IsAssignableFrom(type) || typeof(Type).IsAssignableFrom(type))
            return null;
        if (type.IsArray)
            return CopyArray;
        if (type.IsGenericType)
        {
            var definition = type.GetGenericTypeDefinition();
            if (definition == typeof(List<>) || definition == typeof(Queue<>) || definition == typeof(HashSet<>))
                return CopyCollection;
            if (definition == typeof(Dictionary<,>))
                return CopyDictionary;
            if (definition == typeof(ImmutableArray<>) || definition == typeof(KeyValuePair<,>) || typeof(ITuple).IsAssignableFrom(type))
                return CopyFields;
        }

        return type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false) ? CopyFields
            : throw new CodecNotFoundException($"Could not find a copier for type {type}: mark it with [GenerateSerializer] and its members with [Id].");
    }

    private static object CopyArray(object value, Dictionary<object, object> seen)
    {
        var copy = (Array)((Array)value).Clone();
        seen[value] = copy;
        var element = value.GetType().GetElementType()!;
        if (element.IsPrimitive || element == typeof(string))
            return copy;
        if (copy.Rank != 1)
            throw new CodecNotFoundException($"Could not find a copier for type {value.GetType()}.");
        for (var i = 0; i < copy.Length; i++)
            copy.SetValue(copy.GetValue(i) is { } item ? Copy(item, seen) : null, i);
        return copy;
    }

    private static object CopyCollection(object value, Dictionary<object, object> seen)
    {
        var type = value.GetType();
        var items = ((IEnumerable)value).Cast<object?>().Select(item => item is null ? null : Copy(item, seen)).ToArray();
        var typed = Array.CreateInstance(type.GetGenericArguments()[0], items.Length);
        for (var i = 0; i < items.Length; i++)
            typed.SetValue(items[i], i);
        object?[] arguments = type.GetGenericTypeDefinition() == typeof(HashSet<>) ? [typed, type.GetProperty(nameof(HashSet<>.Comparer))!.GetValue(value)] : [typed];
        return seen[value] = Activator.CreateInstance(type, arguments)!;
    }

    private static object CopyDictionary(object value, Dictionary<object, object> seen)
    {
        var source = (IDictionary)value;
        var comparer = value.GetType().GetProperty(nameof(Dictionary<,>.Comparer))!.GetValue(value);
        var copy = (IDictionary)Activator.CreateInstance(value.GetType(), source.Count, comparer)!;
        seen[value] = copy;
        foreach (DictionaryEntry entry in source)
            copy.Add(Copy(entry.Key, seen), entry.Value is null ? null : Copy(entry.Value, seen));
        return copy;
    }

    private static object CopyFields(object value, Dictionary<object, object> seen)
    {
        var copy = Clone.Invoke(value, null)!;
        seen[value] = copy;
        for (var type = value.GetType(); type != typeof(object) && type is not null; type = type.BaseType)
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                if (field.GetValue(value) is { } content && Copiers.GetOrAdd(content.GetType(), CopierOf) is not null)
                    field.SetValue(copy, Copy(content, seen));
            }
        }

        return copy;
    }
}
