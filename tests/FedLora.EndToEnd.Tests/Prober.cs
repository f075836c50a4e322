using System.Diagnostics;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;
using Grpc.Core;

namespace FedLora.EndToEnd.Tests;

/// <summary>
/// An operator who asks for a federation all the time: how long each call takes, and when the first one was answered again.
/// </summary>
internal sealed class Prober : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private readonly CoordinatorConnection _connection;
    private readonly string _federation;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _turn = new();
    private readonly List<Call> _calls = [];
    private readonly Task _running;

    public Prober(CoordinatorConnection connection, string federation)
    {
        (_connection, _federation) = (connection, federation);
        _running = Task.Run(RunAsync);
    }

    /// <summary>How long after this moment the first call that was made (again) after it was answered; null: none was so far.</summary>
    public TimeSpan? AnsweredAfter(long moment)
    {
        lock (_turn)
        {
            return _calls.FindIndex(call => call.LastTry >= moment) is >= 0 and var first
                ? Stopwatch.GetElapsedTime(moment, _calls[first].End) : null;
        }
    }

    /// <summary>
    /// Seconds that calls took until they were answered, of those that were under way within so long of one of the moments.
    /// </summary>
    public double[] Seconds(IReadOnlyList<long> moments, TimeSpan within)
    {
        lock (_turn)
        {
            return [.. _calls.Where(call => moments.Any(moment =>
                    call.End >= moment && Stopwatch.GetElapsedTime(moment, call.Begin) <= within))
                .Select(call => Stopwatch.GetElapsedTime(call.Begin, call.End).TotalSeconds).Order()];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _connection.Dispose();
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            var begin = Stopwatch.GetTimestamp();
            var lastTry = await AskAsync();
            lock (_turn) _calls.Add(new(begin, lastTry, Stopwatch.GetTimestamp()));
            await Task.Delay(Pause, TimeProvider.System, _end.Token);
        }
    }

    // As an operator's program does: half a minute's patience for a call, and again where nobody was there.
    private async Task<long> AskAsync()
    {
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            try
            {
                await _connection.Admin.ShowFederationAsync(new FederationName { Name = _federation },
                    _connection.Options(_end.Token, TimeSpan.FromSeconds(30)));
                return now;
            }
            catch (RpcException error) when ((TestNode.IsAway(error) || error.StatusCode == StatusCode.DeadlineExceeded)
                && !_end.IsCancellationRequested)
            {
                await Task.Delay(Pause, TimeProvider.System, _end.Token);
            }
        }
    }

    private sealed record Call(long Begin, long LastTry, long End);
}
