using System.Security.Claims;
using FedLora.Grains;
using FedLora.Server.Authentication;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace FedLora.Server.Tests.Authentication;

public sealed class OpenCallsTests
{
    [Fact]
    public async Task A_call_that_was_let_in_before_a_revocation_and_begins_after_it_is_not_served()
    {
        var calls = new OpenCalls();
        Assert.Equal(1, await calls.ServeAsync(() => Task.FromResult(1), new Call("node")));
        calls.End("node");
        var isServed = false;
        var refused = await Assert.ThrowsAsync<RefusedException>(() => calls.ServeAsync(() => Serve(), new Call("node")));
        Assert.Equal(("node-revoked", false), (refused.Code, isServed));
        Assert.Equal(1, await calls.ServeAsync(() => Task.FromResult(1), new Call("another")));

        Task<int> Serve()
        {
            isServed = true;
            return Task.FromResult(1);
        }
    }

    [Fact]
    public async Task Who_revokes_himself_hears_that_it_is_done()
    {
        var calls = new OpenCalls();
        var done = new TaskCompletionSource<int>();
        var revocation = calls.ServeAsync(() => done.Task, new Call("operator", "/fedlora.v1.Admin/RevokeAccess"));
        var other = calls.ServeAsync(() => done.Task, new Call("operator"));
        calls.End("operator");
        await Assert.ThrowsAsync<RefusedException>(() => other);
        done.SetResult(1);
        Assert.Equal(1, await revocation);
        await Assert.ThrowsAsync<RefusedException>(
            () => calls.ServeAsync(() => done.Task, new Call("operator", "/fedlora.v1.Admin/RevokeAccess")));
    }

    [Fact]
    public async Task A_stop_ends_what_is_at_work_and_is_not_taken_for_a_revocation()
    {
        var calls = new OpenCalls();
        var done = new TaskCompletionSource<int>();
        var atWork = calls.ServeAsync(() => done.Task, new Call("operator"));
        calls.Stop();
        await Assert.ThrowsAsync<OperationCanceledException>(() => atWork);
    }

    private sealed class Call(string caller, string method = "call") : ServerCallContext
    {
        protected override string MethodCore => method;

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore { get; } = [];

        protected override CancellationToken CancellationTokenCore => CancellationToken.None;

        protected override Metadata ResponseTrailersCore { get; } = [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore => new(null, []);

        protected override IDictionary<object, object> UserStateCore { get; } = new Dictionary<object, object>
        {
            ["__HttpContext"] = new DefaultHttpContext
            {
                User = new ClaimsPrincipal(
                    new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, caller), new Claim(ClaimTypes.Role, Roles.Node)], "test")),
            },
        };

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
            throw new NotSupportedException();

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
    }
}
