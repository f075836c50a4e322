using Orleans.Concurrency;

namespace Bundled.Orleans.Tests;

public interface IWorkerGrain : IGrainWithStringKey
{
    /// <summary>Says "NAME in", waits for the signal NAME, says "NAME out".</summary>
    Task HoldAsync(string name);

    [AlwaysInterleave]
    Task PeekAsync(string name);

    Task WaitAsync(CancellationToken cancellationToken);

    [ResponseTimeout("00:10:00")]
    Task HoldLongAsync(string name);

    Task CallSelfAsync();

    Task RetireAsync();

    Task FailAsync();

    Task<int> AddAsync(int amount);
}

public sealed class WorkerGrain(Board board) : Grain, IWorkerGrain
{
    private int _sum;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        board.Events.Enqueue($"{this.GetPrimaryKeyString()} activated");
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        board.Events.Enqueue($"{this.GetPrimaryKeyString()} deactivated {reason.ReasonCode}");
        board.Set($"{this.GetPrimaryKeyString()} deactivated");
        return Task.CompletedTask;
    }

    public async Task HoldAsync(string name)
    {
        board.Events.Enqueue($"{name} in");
        board.Set($"{name} in");
        await board.WaitAsync(name);
        await Task.Yield();
        board.Events.Enqueue($"{name} out");
    }

    public Task PeekAsync(string name) => HoldAsync(name);

    public Task HoldLongAsync(string name) => HoldAsync(name);

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        board.Set("waiting");
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            board.Set("callee cancelled");
            throw;
        }
    }

    public async Task CallSelfAsync()
    {
        try
        {
            board.Set("calls itself");
            await this.AsReference<IWorkerGrain>().AddAsync(1);
        }
        catch (TimeoutException)
        {
            board.Set("gave up");
            throw;
        }
    }

    public Task RetireAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public async Task FailAsync()
    {
        await Task.Yield();
        throw new InvalidOperationException("no luck");
    }

    public async Task<int> AddAsync(int amount)
    {
        var before = _sum;
        await Task.Yield();
        _sum = before + amount;
        return _sum;
    }
}

public interface IReentrantGrain : IGrainWithIntegerKey
{
    Task HoldAsync(string name);
}

[Reentrant]
public sealed class ReentrantGrain(Board board) : Grain, IReentrantGrain
{
    public async Task HoldAsync(string name)
    {
        board.Set($"{name} in");
        await board.WaitAsync(name);
    }
}

public interface IKeyGrain : IGrainWithGuidKey
{
    Task<Guid> KeyAsync();
}

public interface ICompoundGrain : IGrainWithGuidCompoundKey
{
    Task<string> KeyAsync();
}

public interface ILongCompoundGrain : IGrainWithIntegerCompoundKey
{
    Task<string> KeyAsync();
}

public interface ILongGrain : IGrainWithIntegerKey
{
    ValueTask<long> KeyAsync();
}

public sealed class KeyGrain : Grain, IKeyGrain
{
    public Task<Guid> KeyAsync() => Task.FromResult(this.GetPrimaryKey());
}

public sealed class CompoundGrain : Grain, ICompoundGrain
{
    public Task<string> KeyAsync() => Task.FromResult($"{this.GetPrimaryKey(out var extension)} {extension}");
}

public sealed class LongCompoundGrain : Grain, ILongCompoundGrain
{
    public Task<string> KeyAsync() => Task.FromResult($"{this.GetPrimaryKeyLong(out var extension)} {extension}");
}

public sealed class LongGrain : Grain, ILongGrain
{
    public ValueTask<long> KeyAsync() => ValueTask.FromResult(this.GetPrimaryKeyLong());
}

public interface IEchoGrain : IGrainWithStringKey
{
    Task<Basket> KeepAsync(Basket basket);

    Task<Basket> GetAsync();

    Task<Sealed> EchoAsync(Sealed value);

    Task<object> RefuseAsync(Unmarked value);

    Task<IReadOnlyList<Basket>> ListAsync();
}

[GenerateSerializer]
public sealed class Basket
{
    [Id(0)] public List<string> Fruit { get; set; } = [];

    [Id(1)] public Dictionary<string, int[]> Counts { get; set; } = [];

    [Id(2)] public Basket? Inner { get; set; }
}

[GenerateSerializer, Immutable]
public sealed record Sealed
{
    [Id(0)] public required string Text { get; init; }
}

public sealed record Unmarked(string Text);

public sealed class EchoGrain : Grain, IEchoGrain
{
    private Basket _kept = new();

    public Task<Basket> KeepAsync(Basket basket)
    {
        _kept = basket;
        return Task.FromResult(_kept);
    }

    public Task<Basket> GetAsync() => Task.FromResult(_kept);

    public Task<Sealed> EchoAsync(Sealed value) => Task.FromResult(value);

    public Task<object> RefuseAsync(Unmarked value) => Task.FromResult<object>(value);

    public Task<IReadOnlyList<Basket>> ListAsync() => Task.FromResult<IReadOnlyList<Basket>>(new[] { _kept });
}
