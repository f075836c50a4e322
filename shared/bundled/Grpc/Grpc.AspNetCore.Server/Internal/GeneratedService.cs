using System.Reflection;
using Grpc.Core;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>What generated code says of a service.</summary>
internal static class GeneratedService
{
    /// <summary>Calls the generated method that hands all methods of the service to a binder.</summary>
    /// <exception cref="InvalidOperationException">The type does not derive from a generated service.</exception>
    public static void Bind(Type service, ServiceBinderBase binder)
    {
        for (var type = service.BaseType; type is not null; type = type.BaseType)
        {
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is not { } attribute) continue;
            var method = attribute.BindType.GetMethod(
                attribute.BindMethodName, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static, [typeof(ServiceBinderBase), type])
                ?? throw new InvalidOperationException($"{attribute.BindType} has no method {attribute.BindMethodName} that binds {type}.");
            method.Invoke(null, [binder, null]);
            return;
        }

        throw new InvalidOperationException($"Cannot locate the gRPC service base type of {service}: it has no {nameof(BindServiceMethodAttribute)}.");
    }

    /// <summary>The method of the service class that serves a method of the wire contract.</summary>
    public static MethodInfo Handler(Type service, IMethod method, params Type[] parameters) =>
        service.GetMethod(method.Name, parameters)
        ?? throw new InvalidOperationException($"{service} has no method {method.Name}({string.Join(", ", parameters.Select(type => type.Name))}).");
}
