using Grpc.Core;
using Grpc.Net.Compression;
using Microsoft.Extensions.Logging;

namespace Grpc.Net.Client;

/// <summary>How a channel is set up.</summary>
public sealed class GrpcChannelOptions
{
    public GrpcChannelOptions()
    {
    }

    /// <summary>Null: TLS for https addresses, none for http.</summary>
    public ChannelCredentials? Credentials { get; set; }

    /// <summary>Bytes; null for no limit. A larger message ends its call with RESOURCE_EXHAUSTED.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>Bytes, decompressed; null for no limit. A larger message ends its call with RESOURCE_EXHAUSTED.</summary>
    public int? MaxReceiveMessageSize { get; set; } = 4 * 1024 * 1024;

    /// <summary>Null: gzip.</summary>
    public IList<ICompressionProvider>? CompressionProviders { get; set; }

    public ILoggerFactory? LoggerFactory { get; set; }

    public HttpClient? HttpClient { get; set; }

    /// <summary>Null: a <see cref="SocketsHttpHandler"/> that opens more connections when one has no stream left.</summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>Whether the channel disposes a client or handler that was given to it; it always disposes its own.</summary>
    public bool DisposeHttpClient { get; set; }

    /// <summary>Whether a call that this side cancels throws <see cref="OperationCanceledException"/>.</summary>
    public bool ThrowOperationCanceledOnCancellation { get; set; }

    /// <summary>Whether call credentials are sent without TLS.</summary>
    public bool UnsafeUseInsecureChannelCallCredentials { get; set; }

    /// <summary>The clock of deadlines.</summary>
    internal TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
