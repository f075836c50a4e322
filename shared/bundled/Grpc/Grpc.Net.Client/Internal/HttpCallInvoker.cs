using Grpc.Core;

namespace Grpc.Net.Client.Internal;

/// <summary>Starts calls over HTTP/2.</summary>
internal sealed class HttpCallInvoker(GrpcChannel channel) : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        AsyncUnaryCall(method, host, options, request).GetAwaiter().GetResult();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Create(method, host, options);
        call.Send(request);
        return new AsyncUnaryCall<TResponse>(call.ReadOnlyResponseAsync(), HeadersOf, StatusOf, TrailersOf, End, call);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Create(method, host, options);
        call.Send(request);
        return new AsyncServerStreamingCall<TResponse>(
            new ClientStreamReader<TRequest, TResponse>(call), HeadersOf, StatusOf, TrailersOf, End, call);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Create(method, host, options);
        var writer = call.SendStream();
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            writer, call.ReadOnlyResponseAsync(), HeadersOf, StatusOf, TrailersOf, End, call);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Create(method, host, options);
        var writer = call.SendStream();
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            writer, new ClientStreamReader<TRequest, TResponse>(call), HeadersOf, StatusOf, TrailersOf, End, call);
    }

    private GrpcCall<TRequest, TResponse> Create<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
        where TRequest : class
        where TResponse : class
    {
        ObjectDisposedException.ThrowIf(channel.Disposed.IsCancellationRequested, channel);
        return new GrpcCall<TRequest, TResponse>(channel, method, host, options);
    }

    private static Task<Metadata> HeadersOf(object call) => ((IGrpcCall)call).GetHeadersAsync();

    private static Status StatusOf(object call) => ((IGrpcCall)call).GetStatus();

    private static Metadata TrailersOf(object call) => ((IGrpcCall)call).GetTrailers();

    private static void End(object call) => ((IGrpcCall)call).Dispose();
}
