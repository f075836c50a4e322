using FedLora.Protocol;
using FedLora.Server.Hosting;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FedLora.Server.Services;

/// <summary>
/// What a caller is told of an exception: of a refusal what is wrong and what to do; anything else is a defect, logged here and told in one
/// line.
/// </summary>
internal sealed class CallFailures(IOptions<ServerOptions> options, ILogger<CallFailures> logger)
{
    private bool IsAlone => options.Value.Postgres is null;

    internal RpcException Explain(Exception error, string method, CancellationToken cancellationToken)
    {
        switch (error)
        {
            case RpcException told:
                return told;
            case RefusedException refused:
                return RpcErrors.ToRpc(new FedLoraException(refused.Code, refused.Message, refused.Hint), RefusalStatus.Of(refused.Code));
            case FedLoraException refused:
                return RpcErrors.ToRpc(refused, RefusalStatus.Of(refused.Code));
            case Google.Protobuf.InvalidProtocolBufferException:
                return new RpcException(new Status(StatusCode.InvalidArgument, "a message of the call is none: update the client"));
            case OperationCanceledException when cancellationToken.IsCancellationRequested:
                return new RpcException(new Status(StatusCode.Cancelled, "the caller has gone"));
            // A silo has gone, and its grains are not elsewhere yet. One that is alone is about to begin or to end.
            case Orleans.Runtime.SiloUnavailableException or Orleans.Runtime.OrleansMessageRejectionException:
                return Told(RefusalCodes.CoordinatorAway, IsAlone ? "the coordinator is starting or stopping, and takes no calls"
                    : "a coordinator of the cluster has gone, and another is taking over");
            case TimeoutException:
                return Told(RefusalCodes.CoordinatorBusy, IsAlone
                    ? "the coordinator did not come to an end with the call in time: the machine is busy, or its disk is slow"
                    : "the cluster did not come to an end with the call in time: one of its coordinators has gone, or the database is "
                        + "slow");
            case OperationCanceledException:
                return new RpcException(new Status(StatusCode.Unavailable, "the coordinator is stopping"));
            default:
                logger.CallFailed(method, error);
                var cause = error.GetBaseException();
                return new RpcException(
                    new Status(StatusCode.Internal, $"{cause.GetType().Name}: {cause.Message.ReplaceLineEndings(" ")}"));
        }
    }

    private static RpcException Told(string code, string message) =>
        RpcErrors.ToRpc(new FedLoraException(code, message, "nothing was acknowledged: look what is so, and try again"),
            RefusalStatus.Of(code));
}
