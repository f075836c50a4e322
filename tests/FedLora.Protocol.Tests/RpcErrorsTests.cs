using System.Text;
using Google.Rpc;
using Grpc.Core;

namespace FedLora.Protocol.Tests;

public class RpcErrorsTests
{
    private static readonly FedLoraException Refusal = new("round-closed", "round 3 of 'mail' is closed", "ask for the next task");

    [Fact]
    public void An_error_comes_back_as_it_was_sent()
    {
        var told = RpcErrors.FromRpc(RpcErrors.ToRpc(Refusal, StatusCode.FailedPrecondition), "http://127.0.0.1:1");
        Assert.Equal((Refusal.Code, Refusal.Message, Refusal.Hint), (told.Code, told.Message, told.Hint));
    }

    [Fact]
    public void Any_gRPC_client_finds_it_in_the_rich_status()
    {
        var status = RpcErrors.ToRpc(Refusal, StatusCode.FailedPrecondition).GetRpcStatus()!;
        Assert.Equal(((int)StatusCode.FailedPrecondition, Refusal.Message), (status.Code, status.Message));
        var info = status.GetDetail<ErrorInfo>()!;
        Assert.Equal((Refusal.Code, "fedlora", Refusal.Hint), (info.Reason, info.Domain, info.Metadata["hint"]));
    }

    [Fact]
    public void Programs_of_before_the_rich_status_find_it_where_they_look()
    {
        var error = RpcErrors.ToRpc(Refusal, StatusCode.FailedPrecondition);
        Assert.Equal(Refusal.Message, error.Status.Detail);
        Assert.Equal(Refusal.Code, Encoding.UTF8.GetString(error.Trailers.GetValueBytes("fedlora-code-bin")!));
        Assert.Equal(Refusal.Hint, Encoding.UTF8.GetString(error.Trailers.GetValueBytes("fedlora-hint-bin")!));
    }

    [Fact]
    public void What_a_coordinator_of_before_the_rich_status_says_is_read()
    {
        var trailers = new Metadata
        {
            { "fedlora-code-bin", Encoding.UTF8.GetBytes(Refusal.Code) },
            { "fedlora-hint-bin", Encoding.UTF8.GetBytes(Refusal.Hint) },
        };
        var told = RpcErrors.FromRpc(new RpcException(new Grpc.Core.Status(StatusCode.FailedPrecondition, Refusal.Message), trailers),
            "http://127.0.0.1:1");
        Assert.Equal((Refusal.Code, Refusal.Message, Refusal.Hint), (told.Code, told.Message, told.Hint));
    }
}
