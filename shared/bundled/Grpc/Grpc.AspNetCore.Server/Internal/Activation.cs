using System.Runtime.InteropServices;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>An object from the services, which own it, or one made for a single call, which ends with it.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct Activation<T>(T instance, bool owned) : IAsyncDisposable
    where T : class
{
    public T Instance => instance;

    public ValueTask DisposeAsync()
    {
        if (!owned) return ValueTask.CompletedTask;
        if (instance is IAsyncDisposable asynchronous) return asynchronous.DisposeAsync();
        (instance as IDisposable)?.Dispose();
        return ValueTask.CompletedTask;
    }
}

internal static class Activation
{
    public static Activation<TService> Service<TService>(IServiceProvider services)
        where TService : class => Create<TService>(services, typeof(TService), []);

    public static Activation<Interceptor> Interceptor(IServiceProvider services, InterceptorRegistration registration) =>
        Create<Interceptor>(services, registration.Type, [.. registration.Arguments]);

    private static Activation<T> Create<T>(IServiceProvider services, Type type, object[] arguments)
        where T : class =>
        services.GetService(type) is { } instance
            ? new Activation<T>((T)instance, owned: false)
            : new Activation<T>((T)ActivatorUtilities.CreateInstance(services, type, arguments), owned: true);
}
