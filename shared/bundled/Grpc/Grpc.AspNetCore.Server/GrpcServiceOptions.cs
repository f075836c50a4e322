using System.IO.Compression;
using Grpc.Net.Compression;

namespace Grpc.AspNetCore.Server;

/// <summary>How services are served; <see cref="GrpcServiceOptions{TService}"/> overrides it for one of them.</summary>
public class GrpcServiceOptions
{
    private int? _maxSendMessageSize;
    private int? _maxReceiveMessageSize;
    private bool _maxSendMessageSizeSpecified;
    private bool _maxReceiveMessageSizeSpecified;

    /// <summary>Bytes; null for no limit, which is the default. A larger message ends its call with RESOURCE_EXHAUSTED.</summary>
    public int? MaxSendMessageSize
    {
        get => _maxSendMessageSize;
        set => (_maxSendMessageSize, _maxSendMessageSizeSpecified) = (value, true);
    }

    public bool MaxSendMessageSizeSpecified
    {
        get => _maxSendMessageSizeSpecified;
        set => (_maxSendMessageSize, _maxSendMessageSizeSpecified) = (value ? _maxSendMessageSize : null, value);
    }

    /// <summary>Bytes, decompressed; null for no limit; 4 MiB unless set. A larger message ends its call with RESOURCE_EXHAUSTED.</summary>
    public int? MaxReceiveMessageSize
    {
        get => _maxReceiveMessageSize;
        set => (_maxReceiveMessageSize, _maxReceiveMessageSizeSpecified) = (value, true);
    }

    public bool MaxReceiveMessageSizeSpecified
    {
        get => _maxReceiveMessageSizeSpecified;
        set => (_maxReceiveMessageSize, _maxReceiveMessageSizeSpecified) = (value ? _maxReceiveMessageSize : null, value);
    }

    /// <summary>Whether the text of a handler's exception is sent to the caller.</summary>
    public bool? EnableDetailedErrors { get; set; }

    /// <summary>The encoding of responses to callers that accept it.</summary>
    public string? ResponseCompressionAlgorithm { get; set; }

    public CompressionLevel? ResponseCompressionLevel { get; set; }

    /// <summary>Added to gzip, which is there always.</summary>
    public IList<ICompressionProvider> CompressionProviders { get; set; } = new List<ICompressionProvider>();

    /// <summary>The first sees a call first; those of all services come before those of one.</summary>
    public InterceptorCollection Interceptors { get; } = new();

    /// <summary>The clock of deadlines.</summary>
    internal TimeProvider? TimeProvider { get; set; }
}

/// <summary>How one service is served, where that differs from the others.</summary>
public class GrpcServiceOptions<TService> : GrpcServiceOptions
    where TService : class
{
}
