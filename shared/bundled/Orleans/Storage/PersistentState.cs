using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>Lets the runtime load all of an activation's states alike.</summary>
internal interface ILoadable
{
    Task LoadAsync(CancellationToken cancellationToken);
}

/// <summary>One state of one activation. Operations queue, so that interleaved calls never race for the same ETag.</summary>
internal sealed class PersistentState<TState>(string name, GrainId id, IGrainStorage storage) : IPersistentState<TState>, ILoadable
{
    private readonly GrainState<TState> _record = new(Activator.CreateInstance<TState>());
    private Task _tail = Task.CompletedTask;
    private bool _loaded;

    public TState State
    {
        get => _record.State!;
        set => _record.State = value;
    }

    public string? Etag => _record.ETag;

    public bool RecordExists => _loaded ? _record.RecordExists : throw new InvalidOperationException("State has not yet been loaded");

    public Task LoadAsync(CancellationToken cancellationToken) => ReadStateAsync(cancellationToken);

    public Task ReadStateAsync() => ReadStateAsync(CancellationToken.None);

    public Task ReadStateAsync(CancellationToken cancellationToken) => Queue(nameof(ReadStateAsync), async () =>
    {
        await storage.ReadStateAsync(name, id, _record, cancellationToken);
        _loaded = true;
    }, cancellationToken);

    public Task WriteStateAsync() => WriteStateAsync(CancellationToken.None);

    public Task WriteStateAsync(CancellationToken cancellationToken) =>
        Queue(nameof(WriteStateAsync), () => storage.WriteStateAsync(name, id, _record, cancellationToken), cancellationToken);

    public Task ClearStateAsync() => ClearStateAsync(CancellationToken.None);

    public Task ClearStateAsync(CancellationToken cancellationToken) =>
        Queue(nameof(ClearStateAsync), () => storage.ClearStateAsync(name, id, _record, cancellationToken), cancellationToken);

    // Only ever called on the activation's scheduler, one thread at a time.
    private Task Queue(string what, Func<Task> operation, CancellationToken cancellationToken) => _tail = AfterAsync(_tail, what, operation, cancellationToken);

    private async Task AfterAsync(Task before, string what, Func<Task> operation, CancellationToken cancellationToken)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        try
        {
            await operation();
        }
        catch (Exception error) when (error is not OrleansException && !(error is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw new OrleansException($"Error from storage provider {storage.GetType().Name}.{name} during {what} for grain {id}{Environment.NewLine} {error}", error);
        }
    }
}
