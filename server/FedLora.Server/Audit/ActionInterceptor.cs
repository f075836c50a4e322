using System.Security.Claims;
using FedLora.Protocol.V1;
using FedLora.Server.Authentication;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace FedLora.Server.Audit;

/// <summary>Has every call recorded that only operators may make, and every link to the dashboard.</summary>
internal sealed class ActionInterceptor(ActionRecorder recorder) : Interceptor
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

    private Task<T> RecordAsync<T>(Func<Task<T>> call, object? request, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var action = context.Method[(context.Method.LastIndexOf('/') + 1)..];
        // What that one tells of is the entry.
        if (action == nameof(Upkeep.UpkeepClient.NoteBackup))
            return call();
        return action == nameof(Upkeep.UpkeepClient.CreateDashboardLink) || IsForOperators(http.GetEndpoint())
            ? recorder.RecordAsync(http.User.FindFirstValue(ClaimTypes.Role) ?? "", context.CallerId(), action,
                Subject(request as IMessage), call)
            : call();
    }

    private static bool IsForOperators(Endpoint? endpoint) =>
        endpoint?.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(asked => asked.Policy == Policies.Operator) == true;

    private static string Subject(IMessage? request) => Subjects
        .Select(name => request?.Descriptor.FindFieldByName(name))
        .OfType<FieldDescriptor>()
        .Select(field => field.Accessor.GetValue(request!) is IMessage inner ? Subject(inner) : field.Accessor.GetValue(request!) as string)
        .FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "";
}
