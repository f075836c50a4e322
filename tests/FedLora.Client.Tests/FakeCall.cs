using System.Threading.Channels;
using Grpc.Core;

namespace FedLora.Client.Tests;

/// <summary>The other end of a call, held by a test.</summary>
internal sealed class FakeCall<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly Channel<TResponse> _answers = Channel.CreateUnbounded<TResponse>();

    /// <summary>What was sent so far.</summary>
    internal List<TRequest> Sent { get; } = [];

    /// <summary>Gives an answer; null ends the call.</summary>
    internal FakeCall<TRequest, TResponse> Answer(params TResponse?[] given)
    {
        foreach (var answer in given)
            _ = answer is null ? _answers.Writer.TryComplete() : _answers.Writer.TryWrite(answer);
        return this;
    }

    internal AsyncDuplexStreamingCall<TRequest, TResponse> Duplex() =>
        new(new Writer(Sent), new Reader(_answers.Reader), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [],
            () => { });

    internal AsyncServerStreamingCall<TResponse> Download(TRequest request)
    {
        Sent.Add(request);
        return new(new Reader(_answers.Reader), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }

    private sealed class Writer(List<TRequest> sent) : IClientStreamWriter<TRequest>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(TRequest message)
        {
            sent.Add(message);
            return Task.CompletedTask;
        }

        public Task WriteAsync(TRequest message, CancellationToken cancellationToken) => WriteAsync(message);

        public Task CompleteAsync() => Task.CompletedTask;
    }

    private sealed class Reader(ChannelReader<TResponse> answers) : IAsyncStreamReader<TResponse>
    {
        public TResponse Current { get; private set; } = null!;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await answers.WaitToReadAsync(cancellationToken) || !answers.TryRead(out var next))
                return false;
            Current = next;
            return true;
        }
    }
}
