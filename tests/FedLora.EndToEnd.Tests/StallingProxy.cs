using FedLora.Tests;

namespace FedLora.EndToEnd.Tests;

/// <summary>Can stand still in the middle of what a node sends.</summary>
internal sealed class StallingProxy(string target) : NodeProxy(target)
{
    private long _left = long.MaxValue;
    private long _sent;
    private TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Bytes that nodes have sent through it.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Lets so many more bytes through from the nodes, then none; returns when it stands still.</summary>
    public Task StallAfterAsync(long bytes)
    {
        _stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _left, bytes);
        return _stalled.Task;
    }

    /// <summary>Lets everything through that comes on new connections.</summary>
    public void GoOn() => Interlocked.Exchange(ref _left, long.MaxValue);

    protected override bool Passes(ReadOnlySpan<byte> bytes)
    {
        Interlocked.Add(ref _sent, bytes.Length);
        if (Interlocked.Add(ref _left, -bytes.Length) > 0)
            return true;
        _stalled.TrySetResult();
        return false;
    }
}
