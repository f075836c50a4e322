using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Makes an endpoint of each method that generated code hands over.</summary>
internal sealed class ServiceEndpoints<TService>(IEndpointRouteBuilder routes) : ServiceBinderBase, IServiceEndpoints
    where TService : class
{
    private readonly ServiceSettings _settings = ServiceSettings.Of<TService>(routes.ServiceProvider);
    private readonly ILogger _logger = routes.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Grpc.AspNetCore.Server.ServerCallHandler");

    public List<IEndpointConventionBuilder> Built { get; } = [];

    public HashSet<string> ServiceNames { get; } = new(StringComparer.Ordinal);

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        var info = GeneratedService.Handler(typeof(TService), method, typeof(TRequest), typeof(ServerCallContext));
        var invoke = info.CreateDelegate<Func<TService, TRequest, ServerCallContext, Task<TResponse>>>();
        var pipeline = InterceptorPipeline.Wrap<TRequest, TResponse>(
            async (request, context) =>
            {
                await using var service = Service(context);
                return await invoke(service.Instance, request, context);
            },
            _settings.Interceptors);
        Map(method, info, async call => await call.WriteOnlyAsync(await pipeline(await call.ReadOnlyAsync(), call.Context)));
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var info = GeneratedService.Handler(typeof(TService), method, typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext));
        var invoke = info.CreateDelegate<Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>>>();
        var pipeline = InterceptorPipeline.Wrap<TRequest, TResponse>(
            async (requests, context) =>
            {
                await using var service = Service(context);
                return await invoke(service.Instance, requests, context);
            },
            _settings.Interceptors);
        Map(method, info, async call => await call.WriteOnlyAsync(await pipeline(call.ReadStream(), call.Context)));
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var info = GeneratedService.Handler(typeof(TService), method, typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        var invoke = info.CreateDelegate<Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task>>();
        var pipeline = InterceptorPipeline.Wrap<TRequest, TResponse>(
            async (request, responses, context) =>
            {
                await using var service = Service(context);
                await invoke(service.Instance, request, responses, context);
            },
            _settings.Interceptors);
        Map(method, info, async call => await pipeline(await call.ReadOnlyAsync(), call.WriteStream(), call.Context));
    }

    public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var info = GeneratedService.Handler(
            typeof(TService), method, typeof(IAsyncStreamReader<TRequest>), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        var invoke = info.CreateDelegate<Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task>>();
        var pipeline = InterceptorPipeline.Wrap<TRequest, TResponse>(
            async (requests, responses, context) =>
            {
                await using var service = Service(context);
                await invoke(service.Instance, requests, responses, context);
            },
            _settings.Interceptors);
        Map(method, info, async call => await pipeline(call.ReadStream(), call.WriteStream(), call.Context));
    }

    private static Activation<TService> Service(ServerCallContext context) =>
        Activation.Service<TService>(context.GetHttpContext().RequestServices);

    private void Map<TRequest, TResponse>(Method<TRequest, TResponse> method, MethodInfo handler, Func<ServerCall<TRequest, TResponse>, Task> serve)
        where TRequest : class
        where TResponse : class
    {
        ServiceNames.Add(method.ServiceName);
        var endpoint = routes.Map(method.FullName, http => CallHandler.HandleAsync(
            http, _settings, _logger, context => serve(new ServerCall<TRequest, TResponse>(context, method))));
        endpoint.Add(built =>
        {
            built.DisplayName = $"gRPC - {method.FullName}";
            built.Metadata.Add(new GrpcMethodMetadata(typeof(TService), method));
            built.Metadata.Add(new HttpMethodMetadata([HttpMethods.Post], acceptCorsPreflight: true));
            foreach (var attribute in typeof(TService).GetCustomAttributes(inherit: true)) built.Metadata.Add(attribute);
            foreach (var attribute in handler.GetCustomAttributes(inherit: true)) built.Metadata.Add(attribute);
        });
        Built.Add(endpoint);
    }
}
