using System.Threading.Channels;
using FedLora.Server.Stores;
using Orleans.Storage;

namespace FedLora.Grains.Tests;

/// <summary>When a coordinator's process dies: as far as anybody can tell afterwards, at a write to its storage.</summary>
internal sealed class Life
{
    private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> _standing = Channel.CreateUnbounded<bool>();
    private Channel<bool>? _gate;
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _writes;

    public bool IsDead => _died.Task.IsCompleted;

    /// <summary>Ends when it dies.</summary>
    public Task Died => _died.Task;

    /// <summary>Ends with the next write.</summary>
    public Task Written => Volatile.Read(ref _written).Task;

    /// <summary>It dies at this write, counted from 1; 0: never.</summary>
    public int DiesAt { get; set; }

    /// <summary>The fatal write is on the disk, but nobody was told.</summary>
    public bool AfterWriting { get; init; }

    /// <summary>How many of the next writes the disk has no room for.</summary>
    public int Fails { get; set; }

    /// <summary>Ends when the last of these has failed.</summary>
    public Task Failed => _failed.Task;

    public void Kill() => _died.TrySetResult();

    /// <summary>It dies at this write from now on, counted from 1.</summary>
    public void DieAfter(int writes) => DiesAt = Volatile.Read(ref _writes) + writes;

    /// <summary>What the writing of when a node was last seen waits for.</summary>
    public Task Presence { get; set; } = Task.CompletedTask;

    /// <summary>From now on writes stand at a gate.</summary>
    public void HoldWrites() => _gate = Channel.CreateUnbounded<bool>();

    /// <summary>Ends when a further write stands at the gate.</summary>
    public Task StandsAsync() => _standing.Reader.ReadAsync().AsTask().WaitAsync(Coordinator.Never);

    /// <summary>Lets one write through the gate.</summary>
    public void PassOne() => _gate!.Writer.TryWrite(true);

    /// <summary>Opens the gate for good.</summary>
    public void PassAll() => Interlocked.Exchange(ref _gate, null)!.Writer.Complete();

    public void Check()
    {
        if (IsDead)
            throw new IOException("killed");
    }

    public async Task WriteAsync(Func<Task> write)
    {
        if (_gate is { } gate)
        {
            _standing.Writer.TryWrite(true);
            if (await gate.Reader.WaitToReadAsync())
                await gate.Reader.ReadAsync();
        }

        Check();
        if (Fails > 0)
        {
            if (--Fails == 0)
                _failed.TrySetResult();
            throw new IOException("no space left on device");
        }

        var fatal = Interlocked.Increment(ref _writes) == DiesAt;
        if (fatal && !AfterWriting)
            Kill();
        Check();
        await write();
        if (fatal)
            Kill();
        Check();
        Interlocked.Exchange(ref _written, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}

/// <summary>The real storage, of a process that may be dead.</summary>
internal sealed class MortalStorage(SqliteGrainStorage storage, Life life) : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle observer) => storage.Participate(observer);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        life.Check();
        return storage.ReadStateAsync(stateName, grainId, grainState);
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        // When a node was last seen is written by the clock, for people: no test counts it.
        if (stateName == "presence")
        {
            await life.Presence;
            life.Check();
            await storage.WriteStateAsync(stateName, grainId, grainState);
        }
        else
            await life.WriteAsync(() => storage.WriteStateAsync(stateName, grainId, grainState));
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        life.WriteAsync(() => storage.ClearStateAsync(stateName, grainId, grainState));
}
