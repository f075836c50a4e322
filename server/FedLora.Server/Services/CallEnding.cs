using System.Collections.Concurrent;
using FedLora.Server.Authentication;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace FedLora.Server.Services;

/// <summary>
/// Ends the calls that are open when the coordinator stops, and lets their callers hear it, before the server closes its connections. A
/// caller that still sends when its connection ends hears of that end alone, even where the call's status has reached its machine: so each
/// is waited for until it has ended its side.
/// </summary>
internal sealed class CallEnding(OpenCalls calls, IHostApplicationLifetime lifetime, TimeProvider time)
    : IHostedLifecycleService, IDisposable
{
    // Together half of what a stop has: the other half is the grains'.
    private static readonly TimeSpan AtWork = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Hearing = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<Task, bool> _open = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _late = new();

    /// <summary>Cancelled when the call's caller has gone, and when the coordinator stops.</summary>
    internal CancellationTokenSource Of(ServerCallContext context) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, _stopping.Token);

    /// <summary>Serves a request, and sees its end through.</summary>
    internal async Task ServeAsync(HttpContext http, RequestDelegate next)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _open[over.Task] = true;
        try
        {
            await next(http);
            if (_stopping.IsCancellationRequested)
                await UntilHeardAsync(http);
        }
        finally
        {
            _open.TryRemove(over.Task, out _);
            over.SetResult();
        }
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var open = Task.WhenAll(_open.Keys);
        // The host itself says so only after this; pages that are open end by it.
        lifetime.StopApplication();
        await _stopping.CancelAsync();
        await UntilAsync(AtWork);
        // What does not listen to that is not waited for any longer.
        calls.Stop();
        await UntilAsync(Hearing);
        await _late.CancelAsync();

        Task UntilAsync(TimeSpan limit) => WithoutThrowing(open.WaitAsync(limit, time, cancellationToken));
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _stopping.Dispose();
        _late.Dispose();
    }

    // The status goes out with the response's end; that it was heard shows in the request's: its caller ends or drops it.
    private async Task UntilHeardAsync(HttpContext http)
    {
        await WithoutThrowing(HearAsync());
        // Who does not read: what it has not taken keeps the connection open.
        if (_late.IsCancellationRequested)
            http.Abort();

        async Task HearAsync()
        {
            await http.Response.CompleteAsync().WaitAsync(_late.Token);
            await http.Request.Body.CopyToAsync(Stream.Null, _late.Token);
        }
    }

    private static async Task WithoutThrowing(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
