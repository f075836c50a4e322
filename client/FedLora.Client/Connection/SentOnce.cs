using System.Net;
using FedLora.Protocol.V1;
using Google.Protobuf.Reflection;

namespace FedLora.Client.Connection;

/// <summary>
/// A call whose caller streams is made on one connection, and fails where that one takes no more calls. HTTP would make it again on another
/// by itself, which is right for a request that can be read again: of a stream the messages that were written are gone, the coordinator
/// waits for the first of them, and the caller for its answer.
/// </summary>
internal sealed class SentOnce(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly HashSet<string> Streamed = ((ServiceDescriptor[])[Enrolment.Descriptor, Node.Descriptor, Admin.Descriptor,
            Upkeep.Descriptor])
        .SelectMany(service => service.Methods).Where(method => method.IsClientStreaming)
        .Select(method => $"/{method.Service.FullName}/{method.Name}").ToHashSet(StringComparer.Ordinal);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is { } content && Streamed.Contains(request.RequestUri!.AbsolutePath))
            request.Content = new Once(content);
        return base.SendAsync(request, cancellationToken);
    }

    private sealed class Once : HttpContent
    {
        private readonly HttpContent _content;
        private int _isSent;

        public Once(HttpContent content)
        {
            _content = content;
            foreach (var (name, values) in content.Headers)
                Headers.TryAddWithoutValidation(name, values);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            Interlocked.Exchange(ref _isSent, 1) == 0 ? _content.CopyToAsync(stream, context, cancellationToken)
                : throw new IOException("The connection took no more calls when the upload had begun.");

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _content.Dispose();
            base.Dispose(disposing);
        }
    }
}
