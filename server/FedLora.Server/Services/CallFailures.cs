using FedLora.Protocol;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

/// <summary>
/// What a caller is told of an exception: of a refusal what is wrong and what to do; anything else is a defect, logged here and told in one
/// line.
/// </summary>
internal sealed class CallFailures(ILogger<CallFailures> logger)
{
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
            case OperationCanceledException when cancellationToken.IsCancellationRequested:
                return new RpcException(new Status(StatusCode.Cancelled, "the caller has gone"));
            // A silo of the cluster has gone, and its grains are not elsewhere yet; or the database is away. Nothing was acknowledged.
            case Orleans.Runtime.SiloUnavailableException or Orleans.Runtime.OrleansMessageRejectionException or TimeoutException:
                return new RpcException(
                    new Status(StatusCode.Unavailable, "a coordinator of the cluster has gone, and another is taking over; try again"));
            case OperationCanceledException:
                return new RpcException(new Status(StatusCode.Unavailable, "the coordinator is stopping"));
            default:
                logger.CallFailed(method, error);
                var cause = error.GetBaseException();
                return new RpcException(
                    new Status(StatusCode.Internal, $"{cause.GetType().Name}: {cause.Message.ReplaceLineEndings(" ")}"));
        }
    }
}
