namespace Grpc.Core;

/// <summary>What the four kinds of call have in common: headers, status, trailers, end.</summary>
internal readonly struct CallState
{
    private readonly object _headers;
    private readonly object _status;
    private readonly object _trailers;
    private readonly object _dispose;
    private readonly object? _state;

    public CallState(Task<Metadata> headers, Func<Status> status, Func<Metadata> trailers, Action dispose) =>
        (_headers, _status, _trailers, _dispose, _state) = (headers, status, trailers, dispose, null);

    public CallState(
        Func<object, Task<Metadata>> headers,
        Func<object, Status> status,
        Func<object, Metadata> trailers,
        Action<object> dispose,
        object state) =>
        (_headers, _status, _trailers, _dispose, _state) = (headers, status, trailers, dispose, state);

    public Task<Metadata> Headers() => _headers as Task<Metadata> ?? ((Func<object, Task<Metadata>>)_headers)(_state!);

    public Status Status() => _status is Func<Status> status ? status() : ((Func<object, Status>)_status)(_state!);

    public Metadata Trailers() => _trailers is Func<Metadata> trailers ? trailers() : ((Func<object, Metadata>)_trailers)(_state!);

    public void Dispose()
    {
        if (_dispose is Action dispose) dispose();
        else ((Action<object>)_dispose)(_state!);
    }
}
