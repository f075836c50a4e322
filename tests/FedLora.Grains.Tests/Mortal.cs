using FedLora.Server.Stores;
using Orleans.Storage;

namespace FedLora.Grains.Tests;

/// <summary>When a coordinator's process dies: as far as anybody can tell afterwards, at a write to its storage.</summary>
internal sealed class Life
{
    private int _writes;
    private volatile bool _dead;

    public bool IsDead => _dead;

    /// <summary>It dies at this write, counted from 1; 0: never.</summary>
    public int DiesAt { get; init; }

    /// <summary>The fatal write is on the disk, but nobody was told.</summary>
    public bool AfterWriting { get; init; }

    public void Kill() => _dead = true;

    public void Check()
    {
        if (_dead)
            throw new IOException("killed");
    }

    public async Task WriteAsync(Func<Task> write)
    {
        Check();
        var fatal = Interlocked.Increment(ref _writes) == DiesAt;
        if (fatal && !AfterWriting)
            _dead = true;
        Check();
        await write();
        if (fatal)
            _dead = true;
        Check();
    }
}

/// <summary>The real storage, of a process that may be dead.</summary>
internal sealed class MortalStorage(SqliteGrainStorage storage, Life life) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        life.Check();
        return storage.ReadStateAsync(stateName, grainId, grainState);
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        life.WriteAsync(() => storage.WriteStateAsync(stateName, grainId, grainState));

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        life.WriteAsync(() => storage.ClearStateAsync(stateName, grainId, grainState));
}
