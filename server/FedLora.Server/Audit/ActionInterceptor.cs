using System.Security.Claims;
using FedLora.Core.Audit;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FedLora.Server.Audit;

/// <summary>
/// Records every call that only operators may make, and every link to the dashboard, done or refused, before its caller is answered; where
/// that cannot be, nothing is done.
/// </summary>
internal sealed class ActionInterceptor(AuditLog audit, TimeProvider time, ILogger<ActionInterceptor> logger) : Interceptor
{
    // The first that a request has says what it is about.
    private static readonly string[] Subjects = ["federation", "name", "node", "holder", "id", "definition", "role", "sha256"];

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        RecordAsync(() => continuation(request, context), request, context);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        RecordAsync(() => continuation(requestStream, context), null, context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        RecordAsync(async () => { await continuation(request, responseStream, context); return true; }, request, context);

    private async Task<T> RecordAsync<T>(Func<Task<T>> call, object? request, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var action = context.Method[(context.Method.LastIndexOf('/') + 1)..];
        if (action != nameof(Upkeep.UpkeepClient.CreateDashboardLink) && !IsForOperators(http.GetEndpoint()))
            return await call();
        audit.RequireWritable(time.GetUtcNow());
        var outcome = ActionLog.Done;
        try
        {
            return await call();
        }
        catch (Exception error)
        {
            outcome = error switch
            {
                RefusedException refused => refused.Code,
                FedLoraException refused => refused.Code,
                RpcException told => told.StatusCode.ToString(),
                OperationCanceledException => "cut-off",
                _ => "failed",
            };
            throw;
        }
        finally
        {
            var role = http.User.FindFirstValue(ClaimTypes.Role) ?? "";
            logger.Acted(role, context.CallerId(), action, Subject(request as IMessage), outcome);
            audit.Flush();
        }
    }

    private static bool IsForOperators(Endpoint? endpoint) =>
        endpoint?.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(asked => asked.Policy == Policies.Operator) == true;

    private static string Subject(IMessage? request) => Subjects
        .Select(name => request?.Descriptor.FindFieldByName(name))
        .OfType<FieldDescriptor>()
        .Select(field => field.Accessor.GetValue(request!) is IMessage inner ? Subject(inner) : field.Accessor.GetValue(request!) as string)
        .FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "";
}
