using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Puts interceptors around a handler; the first registered is the outermost.</summary>
internal static class InterceptorPipeline
{
    public static UnaryServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(
        UnaryServerMethod<TRequest, TResponse> handler, IEnumerable<InterceptorRegistration> interceptors)
        where TRequest : class
        where TResponse : class =>
        interceptors.Reverse().Aggregate(handler, (next, registration) => async (request, context) =>
        {
            await using var interceptor = Create(context, registration);
            return await interceptor.Instance.UnaryServerHandler(request, context, next);
        });

    public static ClientStreamingServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(
        ClientStreamingServerMethod<TRequest, TResponse> handler, IEnumerable<InterceptorRegistration> interceptors)
        where TRequest : class
        where TResponse : class =>
        interceptors.Reverse().Aggregate(handler, (next, registration) => async (requests, context) =>
        {
            await using var interceptor = Create(context, registration);
            return await interceptor.Instance.ClientStreamingServerHandler(requests, context, next);
        });

    public static ServerStreamingServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(
        ServerStreamingServerMethod<TRequest, TResponse> handler, IEnumerable<InterceptorRegistration> interceptors)
        where TRequest : class
        where TResponse : class =>
        interceptors.Reverse().Aggregate(handler, (next, registration) => async (request, responses, context) =>
        {
            await using var interceptor = Create(context, registration);
            await interceptor.Instance.ServerStreamingServerHandler(request, responses, context, next);
        });

    public static DuplexStreamingServerMethod<TRequest, TResponse> Wrap<TRequest, TResponse>(
        DuplexStreamingServerMethod<TRequest, TResponse> handler, IEnumerable<InterceptorRegistration> interceptors)
        where TRequest : class
        where TResponse : class =>
        interceptors.Reverse().Aggregate(handler, (next, registration) => async (requests, responses, context) =>
        {
            await using var interceptor = Create(context, registration);
            await interceptor.Instance.DuplexStreamingServerHandler(requests, responses, context, next);
        });

    private static Activation<Interceptor> Create(ServerCallContext context, InterceptorRegistration registration) =>
        Activation.Interceptor(context.GetHttpContext().RequestServices, registration);
}
