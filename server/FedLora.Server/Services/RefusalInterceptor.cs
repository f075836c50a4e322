using FedLora.Grains;
using FedLora.Protocol;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Services;

/// <summary>Turns refusals into statuses that say what is wrong and what to do; anything else is a defect, logged here and told in one line.</summary>
internal sealed class RefusalInterceptor(ILogger<RefusalInterceptor> logger) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(() => continuation(request, context), context);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(() => continuation(requestStream, context), context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(async () => { await continuation(request, responseStream, context); return true; }, context);

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        GuardAsync(async () => { await continuation(requestStream, responseStream, context); return true; }, context);

    private async Task<T> GuardAsync<T>(Func<Task<T>> call, ServerCallContext context)
    {
        try
        {
            return await call();
        }
        catch (RefusedException refused)
        {
            throw RpcErrors.ToRpc(new FedLoraException(refused.Code, refused.Message, refused.Hint), RefusalStatus.Of(refused.Code));
        }
        catch (FedLoraException refused)
        {
            throw RpcErrors.ToRpc(refused, RefusalStatus.Of(refused.Code));
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "the caller has gone"));
        }
        catch (OperationCanceledException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the coordinator is stopping"));
        }
        catch (Exception error) when (error is not RpcException)
        {
            logger.CallFailed(context.Method, error);
            var cause = error.GetBaseException();
            throw new RpcException(new Status(StatusCode.Internal, $"{cause.GetType().Name}: {cause.Message.ReplaceLineEndings(" ")}"));
        }
    }
}
