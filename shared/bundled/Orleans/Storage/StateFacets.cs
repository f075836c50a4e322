using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>Makes the <see cref="IPersistentState{TState}"/> arguments of a grain's constructor.</summary>
internal static class StateFacets
{
    /// <summary>The one public constructor's arguments: states where marked, services elsewhere.</summary>
    public static object Construct(Type grainClass, GrainId id, IServiceProvider services, List<ILoadable> states)
    {
        var constructors = grainClass.GetConstructors();
        if (constructors.Length != 1)
            throw new InvalidOperationException($"Grain class {grainClass.FullName} needs exactly one public constructor.");
        var arguments = constructors[0].GetParameters().Select(parameter => Argument(parameter, id, services, states)).ToArray();
        return constructors[0].Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
    }

    private static object? Argument(ParameterInfo parameter, GrainId id, IServiceProvider services, List<ILoadable> states)
    {
        if (parameter.GetCustomAttribute<PersistentStateAttribute>() is { } facet)
        {
            var type = parameter.ParameterType;
            if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(IPersistentState<>))
                throw new InvalidOperationException($"[PersistentState] belongs on a parameter of type IPersistentState<T>, not {type}.");
            var state = Activator.CreateInstance(
                typeof(PersistentState<>).MakeGenericType(type.GetGenericArguments()), facet.StateName, id, Storage(facet, id, services))!;
            states.Add((ILoadable)state);
            return state;
        }

        if (parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed)
            return services.GetRequiredKeyedService(parameter.ParameterType, keyed.Key);
        return services.GetService(parameter.ParameterType)
            ?? (parameter.HasDefaultValue ? parameter.DefaultValue : services.GetRequiredService(parameter.ParameterType));
    }

    private static IGrainStorage Storage(PersistentStateAttribute facet, GrainId id, IServiceProvider services) =>
        (string.IsNullOrEmpty(facet.StorageName) ? services.GetService<IGrainStorage>() : services.GetKeyedService<IGrainStorage>(facet.StorageName))
        ?? throw new BadProviderConfigException(string.IsNullOrEmpty(facet.StorageName)
            ? $"No default storage provider found loading grain type {id.Type}."
            : $"No storage provider named \"{facet.StorageName}\" found loading grain type {id.Type}.");
}
