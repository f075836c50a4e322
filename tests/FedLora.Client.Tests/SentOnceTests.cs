using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace FedLora.Client.Tests;

/// <summary>
/// A coordinator that stops, or lets a connection go, takes no more calls on it; HTTP makes one that has just begun again on another
/// connection.
/// </summary>
public sealed class SentOnceTests
{
    [Fact]
    public async Task An_upload_whose_first_message_is_gone_is_not_begun_again_but_fails_so_that_it_can_be()
    {
        using var http = new Again();
        using var channel = GrpcChannel.ForAddress("http://here", new() { HttpHandler = new SentOnce(http) });
        using var call = new Node.NodeClient(channel).PutUpdate(cancellationToken: TestContext.Current.CancellationToken);
        await call.RequestStream.WriteAsync(new UpdateMessage { Header = new() { Federation = "mail" } });
        var failed = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.Unavailable, failed.StatusCode);
        Assert.True(http.First.Length > 0);
        Assert.Equal(0, http.Second.Length);
    }

    [Fact]
    public async Task What_can_be_read_again_is_made_again()
    {
        using var http = new Again();
        using var channel = GrpcChannel.ForAddress("http://here", new() { HttpHandler = new SentOnce(http) });
        await Assert.ThrowsAsync<RpcException>(async () => await new Node.NodeClient(channel).PollTaskAsync(
            new PollTaskRequest { WaitSeconds = 7 }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.True(http.First.Length > 0);
        Assert.Equal(http.First.ToArray(), http.Second.ToArray());
    }

    /// <summary>Sends a request on a first connection, and as soon as something of it is there on a second.</summary>
    private sealed class Again : HttpMessageHandler
    {
        public Heard First { get; } = new();

        public MemoryStream Second { get; } = new();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            _ = request.Content!.CopyToAsync(First, cancellationToken);
            await First.Something.WaitAsync(cancellationToken);
            await request.Content.CopyToAsync(Second, cancellationToken);
            return new(System.Net.HttpStatusCode.ServiceUnavailable) { Version = new(2, 0) };
        }
    }

    private sealed class Heard : MemoryStream
    {
        private readonly TaskCompletionSource _something = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Something => _something.Task;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            _something.TrySetResult();
        }
    }
}
