using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Net.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>What is asked of a call whatever its message types.</summary>
internal interface IGrpcCall : IDisposable
{
    Task<Metadata> GetHeadersAsync();

    Status GetStatus();

    Metadata GetTrailers();
}

/// <summary>One call: its HTTP request and response, its deadline and its end.</summary>
internal sealed class GrpcCall<TRequest, TResponse> : IGrpcCall
    where TRequest : class
    where TResponse : class
{
    private static readonly StreamPipeReaderOptions Buffers = new(bufferSize: 16 * 1024, leaveOpen: true, useZeroByteReads: true);

    private readonly GrpcChannel _channel;
    private readonly Method<TRequest, TResponse> _method;
    private readonly string? _host;
    private readonly CallEnd _end;
    private readonly Deadline _deadline;
    private readonly CancellationTokenRegistration[] _cancellations;
    private Task<HttpResponseMessage> _response = null!;
    private MessageReader<TResponse>? _reader;

    public GrpcCall(GrpcChannel channel, Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        _channel = channel;
        _method = method;
        _host = host;
        Options = options;
        _end = new CallEnd(channel, options);
        _deadline = new Deadline(options.Deadline, channel.TimeProvider);
        _cancellations = [CancelWith(options.CancellationToken), channel.Disposed.Register(Dispose)];
    }

    public CallOptions Options { get; }

    public CallEnd End => _end;

    public void Send(TRequest request) => Start(new UnaryContent<TRequest>(request, Options.WriteOptions, CreateWriter));

    public ClientStreamWriter<TRequest, TResponse> SendStream()
    {
        var writer = new ClientStreamWriter<TRequest, TResponse>(this);
        Start(new StreamingContent<TRequest, TResponse>(writer));
        return writer;
    }

    public MessageWriter<TRequest> CreateWriter(PipeWriter pipe) => new(
        pipe,
        _method.RequestMarshaller.ContextualSerializer,
        _channel.Encodings.ForWriting(Requests.Encoding(Options)),
        level: null,
        _channel.MaxSendMessageSize);

    /// <summary>Ends the call when the token is cancelled.</summary>
    public CancellationTokenRegistration CancelWith(CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(
            static (call, token) => ((GrpcCall<TRequest, TResponse>)call!)._end.ByClient(
                StatusCode.Cancelled, "Call canceled by the client.", new OperationCanceledException(token)),
            this);

    /// <summary>The response of a call that has exactly one.</summary>
    public async Task<TResponse> ReadOnlyResponseAsync()
    {
        try
        {
            var response = await _response;
            var message = await (await OpenAsync(response)).ReadSingleAsync(_end.Stopped);
            var status = Responses.Final(response);
            if (status.StatusCode == StatusCode.OK && message is null)
            {
                status = new Status(StatusCode.Internal, "Failed to deserialize response message.");
            }

            Finish(response, status);
            return status.StatusCode == StatusCode.OK && _end.Status.StatusCode == StatusCode.OK ? message! : throw _end.ToException();
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }
    }

    /// <returns>The next response of a stream; null at its end.</returns>
    public async ValueTask<TResponse?> ReadNextAsync()
    {
        try
        {
            if (!_end.IsKnown)
            {
                var response = await _response;
                var message = await (await OpenAsync(response)).ReadAsync(_end.Stopped);
                if (message is not null) return message;
                Finish(response, Responses.Final(response));
            }
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }

        return _end.Status.StatusCode == StatusCode.OK ? null : throw _end.ToException();
    }

    public async Task<Metadata> GetHeadersAsync()
    {
        try
        {
            return Responses.ReadMetadata((await _response).Headers);
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }
    }

    public Status GetStatus() => _end.Status;

    public Metadata GetTrailers() => _end.Trailers;

    public void Dispose() => _end.Dispose();

    private void Start(HttpContent content)
    {
        var request = Requests.Create(_channel, _method, _host, Options, _deadline.Remaining);
        request.Content = content;
        _deadline.Start(() => _end.ByClient(StatusCode.DeadlineExceeded, ""));
        _response = SendAsync(request);

        // Whoever waits for the response sees its failure; nobody has to.
        _ = _response.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        _ = CleanUpAsync();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        try
        {
            await _channel.Credentials.AuthorizeAsync(request, _channel.Address, _method, Options.Credentials, _end.Stopped);
            _end.Stopped.ThrowIfCancellationRequested();
            return _channel.Http is HttpClient client
                ? await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _end.Stopped)
                : await _channel.Http.SendAsync(request, _end.Stopped);
        }
        catch (Exception exception)
        {
            throw Fail(exception);
        }
    }

    private async ValueTask<MessageReader<TResponse>> OpenAsync(HttpResponseMessage response)
    {
        if (_reader is not null) return _reader;
        if (Responses.NotGrpc(response) is { } status) throw new RpcException(status, Responses.ReadMetadata(response.Headers));
        var body = await response.Content.ReadAsStreamAsync(_end.Stopped);
        return _reader = new MessageReader<TResponse>(
            PipeReader.Create(body, Buffers),
            _method.ResponseMarshaller.ContextualDeserializer,
            _channel.Encodings,
            Responses.Encoding(response),
            _channel.MaxReceiveMessageSize);
    }

    private void Finish(HttpResponseMessage response, Status status) => _end.ByServer(status, Responses.Trailers(response));

    private Exception Fail(Exception exception)
    {
        _end.ByFailure(exception, (exception as RpcException)?.Trailers, _deadline.HasPassed);
        return _end.ToException();
    }

    // Disposing the response of a call that did not come to its end resets its stream, which tells the server.
    private async Task CleanUpAsync()
    {
        await _end.Task;
        await _deadline.DisposeAsync();
        foreach (var cancellation in _cancellations) cancellation.Unregister();
        if (_end.Status.StatusCode != StatusCode.OK) ClientLog.Ended(_channel.Logger, _method.FullName, _end.Status.StatusCode, _end.Status.Detail);
        await ((Task)_response).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_response.IsCompletedSuccessfully) _response.Result.Dispose();
    }
}
