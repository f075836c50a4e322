using System.Collections.Concurrent;
using System.Reflection;

namespace Orleans.Runtime;

/// <summary>A reference to a grain: turns calls of its interface into messages. Two references to one grain are equal.</summary>
#pragma warning disable CA1852 // DispatchProxy derives from it.
internal class GrainProxy : DispatchProxy, IAddressable, IEquatable<IAddressable>
#pragma warning restore CA1852
{
    private static readonly ConcurrentDictionary<Type, Func<GrainProxy>> Makers = new();

    public Silo Silo { get; private set; } = null!;

    public GrainId GrainId { get; private set; }

    public static object Create(Silo silo, Type interfaceType, GrainId id)
    {
        var proxy = Makers.GetOrAdd(interfaceType, static type =>
        {
            if (!type.IsInterface || !typeof(IAddressable).IsAssignableFrom(type))
                throw new ArgumentException($"{type} is not a grain interface.");
            return () => (GrainProxy)Create(type, typeof(GrainProxy));
        })();
        proxy.Silo = silo;
        proxy.GrainId = id;
        return proxy;
    }

    public bool Equals(IAddressable? other) => other is GrainProxy proxy && proxy.GrainId == GrainId;

    public override bool Equals(object? obj) => Equals(obj as IAddressable);

    public override int GetHashCode() => GrainId.GetHashCode();

    public override string ToString() => $"GrainReference:{GrainId}";

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var method = GrainMethod.Of(targetMethod!);
        return method.Promise(Silo.Send(GrainId, method, args ?? []));
    }
}
