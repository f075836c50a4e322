using System.Collections.Concurrent;
using System.Security.Claims;
using FedLora.Protocol.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace FedLora.Server.Authentication;

/// <summary>
/// The calls that are being served, by who makes them: what ends them when that caller's access is taken away, or the coordinator stops.
/// </summary>
internal sealed class OpenCalls
{
    private static readonly string RevokeAccess = $"/{Admin.Descriptor.FullName}/{nameof(Admin.AdminClient.RevokeAccess)}";

    private readonly ConcurrentDictionary<Call, bool> _calls = [];
    private readonly ConcurrentDictionary<string, bool> _ended = [];

    /// <summary>Who is being served.</summary>
    internal IReadOnlyCollection<string> Callers => [.. _calls.Keys.Select(call => call.Caller).Distinct()];

    /// <summary>Serves a call until it is done, its caller's access is taken away, or the coordinator no longer waits for it.</summary>
    /// <exception cref="RefusedException"><c>node-revoked</c>, <c>access-revoked</c>.</exception>
    /// <exception cref="OperationCanceledException">The coordinator stops.</exception>
    internal async Task<T> ServeAsync<T>(Func<Task<T>> serve, ServerCallContext context)
    {
        if (context.GetHttpContext() is not { User: { } user } http || user.FindFirstValue(ClaimTypes.NameIdentifier) is not { } caller)
            return await serve();
        var call = new Call(caller, user.FindFirstValue(ClaimTypes.Role) == Roles.Node);
        // Who takes his own access away hears that it is done: what ends his calls is that very call's work.
        var isRevocation = context.Method == RevokeAccess;
        _calls[call] = true;
        try
        {
            // Otherwise let in just before its access was taken away, and here just after.
            if (!_ended.ContainsKey(caller))
            {
                var served = serve();
                if (isRevocation || await Task.WhenAny(served, call.Ended.Task) == served)
                    return await served;
                // What it still does has nobody to answer to; its next message meets a call that is over.
                _ = served.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None,
                    TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                if (await call.Ended.Task == Why.Stopped)
                    throw new OperationCanceledException();
            }
            Close(http);
            throw call.IsNode
                ? new RefusedException(RefusalCodes.NodeRevoked, "the node has been revoked", "ask the operator of the coordinator")
                : new RefusedException(RefusalCodes.AccessRevoked, "the access has been revoked", "ask an operator of the coordinator");
        }
        finally
        {
            _calls.TryRemove(call, out _);
        }
    }

    /// <summary>Ends all calls of a caller, those included that come after this, until <see cref="Admit"/>.</summary>
    internal void End(string caller)
    {
        _ended[caller] = true;
        foreach (var call in _calls.Keys.Where(call => call.Caller == caller))
            call.Ended.TrySetResult(Why.Revoked);
    }

    /// <summary>Ends all calls, the coordinator being about to end.</summary>
    internal void Stop()
    {
        foreach (var call in _calls.Keys)
            call.Ended.TrySetResult(Why.Stopped);
    }

    /// <summary>Whose access was taken away has it again.</summary>
    internal void Admit(string caller) => _ended.TryRemove(caller, out _);

    /// <summary>No further call over this connection, once what it carries is answered: it keeps the identity of its handshake.</summary>
    internal static void Close(HttpContext http) => http.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();

    private sealed class Call(string caller, bool isNode)
    {
        public string Caller { get; } = caller;

        public bool IsNode { get; } = isNode;

        public TaskCompletionSource<Why> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private enum Why
    {
        Revoked,
        Stopped,
    }
}
