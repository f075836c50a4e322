using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Internal;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>A call that came as an HTTP/2 request.</summary>
internal sealed class HttpCallContext : ServerCallContext, IServerCallContextFeature, IAsyncDisposable
{
    /// <summary>CANCEL of HTTP/2.</summary>
    private const int CancelCode = 0x8;

    private readonly ILogger _logger;
    private readonly ServerDeadline? _deadline;
    private Metadata? _requestHeaders;
    private AuthContext? _authContext;

    public HttpCallContext(HttpContext http, ServiceSettings settings, ILogger logger)
    {
        Http = http;
        Settings = settings;
        _logger = logger;
        _deadline = ServerDeadline.Of(http, settings.TimeProvider, logger);
        RequestEncoding = http.Request.Headers[Headers.Encoding];
        if (settings.ResponseEncoding is { } encoding && Encodings.IsAccepted(http.Request.Headers[Headers.AcceptEncoding], encoding))
        {
            SetResponseEncoding(encoding);
        }

        if (RequestEncoding is { } requested && !Encodings.IsAccepted(settings.Encodings.AcceptEncoding, requested))
        {
            http.Response.Headers[Headers.AcceptEncoding] = settings.Encodings.AcceptEncoding;
        }
    }

    public HttpContext Http { get; }

    public ServiceSettings Settings { get; }

    public string? RequestEncoding { get; }

    public string? ResponseEncoding { get; private set; }

    /// <summary>No message can be read or written any more.</summary>
    public bool HasEnded { get; private set; }

    ServerCallContext IServerCallContextFeature.ServerCallContext => this;

    protected override string MethodCore => Http.Request.Path.Value!;

    protected override string HostCore => Http.Request.Host.Value!;

    protected override string PeerCore => Http.Connection.RemoteIpAddress switch
    {
        null => "unknown",
        { AddressFamily: AddressFamily.InterNetworkV6 } address => $"ipv6:[{address}]:{Http.Connection.RemotePort}",
        var address => $"ipv4:{address}:{Http.Connection.RemotePort}",
    };

    protected override DateTime DeadlineCore => _deadline?.At ?? DateTime.MaxValue;

    protected override Metadata RequestHeadersCore => _requestHeaders ??=
        HeaderMetadata.Read(Http.Request.Headers.SelectMany(header => header.Value.Select(value => (header.Key, value ?? ""))));

    protected override CancellationToken CancellationTokenCore => _deadline?.Token ?? Http.RequestAborted;

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => _authContext ??= PeerCertificate.ToAuthContext(Http.Connection.ClientCertificate);

    protected override IDictionary<object, object> UserStateCore => Http.Items!;

    /// <summary>Turns what a handler threw into the status of the call.</summary>
    public void Fail(Exception exception)
    {
        switch (exception)
        {
            case RpcException rpc:
                ServerLog.StatusRaised(_logger, rpc.StatusCode, rpc.Status.Detail, rpc.Status.DebugException);
                foreach (var entry in rpc.Trailers) ResponseTrailers.Add(entry);
                Status = rpc.Status;
                break;
            case OperationCanceledException or IOException when CancellationToken.IsCancellationRequested:
                ServerLog.Cancelled(_logger, Method, exception);
                Status = new Status(StatusCode.Cancelled, "", exception);
                break;
            default:
                ServerLog.HandlerFailed(_logger, Method, exception);
                var detail = "Exception was thrown by handler." + (Settings.DetailedErrors ? $" {exception.GetType().Name}: {exception.Message}" : "");
                Status = new Status(StatusCode.Unknown, detail, exception);
                break;
        }
    }

    /// <summary>Sends the status; one that comes after the deadline says so, whatever the handler did.</summary>
    public void End()
    {
        HasEnded = true;
        if (_deadline?.HasPassed == true) Status = new Status(StatusCode.DeadlineExceeded, "Deadline Exceeded");
        ResponseStatus.Write(Http.Response, Status, ResponseTrailers);
    }

    /// <summary>Gives the call up: the caller sees its stream reset.</summary>
    public void Reset()
    {
        if (Http.Features.Get<IHttpResetFeature>() is { } feature) feature.Reset(CancelCode);
        else Http.Abort();
    }

    public ValueTask DisposeAsync() => _deadline?.DisposeAsync() ?? ValueTask.CompletedTask;

    protected override async Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        ArgumentNullException.ThrowIfNull(responseHeaders);
        if (Http.Response.HasStarted) throw new InvalidOperationException("Response headers can only be sent once per call.");
        foreach (var entry in responseHeaders)
        {
            if (entry.Key == Headers.RequestedEncoding) SetResponseEncoding(entry.Value);
            else Http.Response.Headers.Append(entry.Key, HeaderMetadata.Encode(entry));
        }

        await Http.Response.BodyWriter.FlushAsync();
    }

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
        throw new NotImplementedException("Pass Deadline and CancellationToken on to the inner call.");

    private void SetResponseEncoding(string encoding)
    {
        ResponseEncoding = encoding;
        Http.Response.Headers[Headers.Encoding] = encoding;
    }
}
