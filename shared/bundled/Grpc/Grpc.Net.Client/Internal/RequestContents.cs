using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Net.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>A request body of unknown length.</summary>
internal abstract class RequestContent : HttpContent
{
    private static readonly MediaTypeHeaderValue Type = new(Grpc.Net.Internal.Headers.ContentType);
    private static readonly StreamPipeWriterOptions Buffers = new(minimumBufferSize: 32 * 1024, leaveOpen: true);

    protected RequestContent() => Headers.ContentType = Type;

    protected static PipeWriter Pipe(Stream stream) => PipeWriter.Create(stream, Buffers);

    protected sealed override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected abstract override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }
}

/// <summary>The body with one request.</summary>
internal sealed class UnaryContent<TRequest>(TRequest request, WriteOptions? options, Func<PipeWriter, MessageWriter<TRequest>> writer)
    : RequestContent
    where TRequest : class
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var pipe = Pipe(stream);
        writer(pipe).Write(request, options);
        await pipe.FlushAsync(cancellationToken);
        await pipe.CompleteAsync();
    }
}

/// <summary>The body that stays open until the program has written its last request.</summary>
internal sealed class StreamingContent<TRequest, TResponse>(ClientStreamWriter<TRequest, TResponse> writer) : RequestContent
    where TRequest : class
    where TResponse : class
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The request's headers go out now; the server may answer before the first message.
        await stream.FlushAsync(cancellationToken);
        var pipe = Pipe(stream);
        await writer.UseAsync(pipe).WaitAsync(cancellationToken);
        await pipe.FlushAsync(cancellationToken);
        await pipe.CompleteAsync();
    }
}
