using Grpc.Core;
using Grpc.Net.Internal;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The messages of one call.</summary>
internal sealed class ServerCall<TRequest, TResponse>(HttpCallContext context, Method<TRequest, TResponse> method)
    where TRequest : class
    where TResponse : class
{
    private MessageWriter<TResponse>? _writer;

    public HttpCallContext Context => context;

    /// <summary>The request of a call that has exactly one.</summary>
    public async Task<TRequest> ReadOnlyAsync() =>
        await CreateReader().ReadSingleAsync(context.CancellationToken)
        ?? throw new RpcException(new Status(StatusCode.Internal, "Incomplete message."));

    /// <summary>The requests of a stream, which may take any time and be of any total size.</summary>
    public IAsyncStreamReader<TRequest> ReadStream()
    {
        if (context.Http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        if (context.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        return new ServerStreamReader<TRequest>(context, CreateReader());
    }

    public IServerStreamWriter<TResponse> WriteStream() => new ServerStreamWriter<TRequest, TResponse>(this);

    /// <summary>The response of a call that has exactly one; it goes out together with the status.</summary>
    public async Task WriteOnlyAsync(TResponse? response)
    {
        if (response is null) throw new RpcException(new Status(StatusCode.Cancelled, "No message returned from method."));
        await WriteAsync(response, context.CancellationToken);
    }

    public async Task WriteAsync(TResponse response, CancellationToken cancellationToken)
    {
        // Before the first byte of the body; otherwise the server counts the body's length to put it into the headers.
        if (!context.Http.Response.HasStarted) await context.Http.Response.StartAsync(cancellationToken);
        _writer ??= new MessageWriter<TResponse>(
            context.Http.Response.BodyWriter,
            method.ResponseMarshaller.ContextualSerializer,
            context.Settings.Encodings.ForWriting(context.ResponseEncoding),
            context.Settings.ResponseLevel,
            context.Settings.MaxSendMessageSize);
        _writer.Write(response, context.WriteOptions);
    }

    private MessageReader<TRequest> CreateReader() => new(
        context.Http.Request.BodyReader,
        method.RequestMarshaller.ContextualDeserializer,
        context.Settings.Encodings,
        context.RequestEncoding,
        context.Settings.MaxReceiveMessageSize);
}
