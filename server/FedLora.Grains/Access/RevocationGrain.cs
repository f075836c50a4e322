using Microsoft.Extensions.Hosting;

namespace FedLora.Grains.Access;

/// <summary>A list that is waited on.</summary>
[KeepAlive]
public sealed class RevocationGrain(TimeProvider time, IHostApplicationLifetime lifetime) : Grain, IRevocationGrain
{
    private readonly Guid _epoch = Guid.NewGuid();
    private readonly List<string> _ids = [];
    private TaskCompletionSource _noted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task NoteAsync(string id, CancellationToken cancellationToken)
    {
        _ids.Add(id);
        var waiting = _noted;
        _noted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting.TrySetResult();
        return Task.CompletedTask;
    }

    public async Task<Revocations> WatchAsync(Guid epoch, int seen, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (epoch == _epoch && seen >= _ids.Count)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
            await Task.WhenAny(_noted.Task, Task.Delay(wait, time, limit.Token));
            await limit.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
        return new() { Epoch = _epoch, Seen = _ids.Count, Ids = _ids.Skip(epoch == _epoch ? seen : 0).ToArray() };
    }
}
