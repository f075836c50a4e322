using System.Collections.Concurrent;

namespace FedLora.Simulations.Trainers;

/// <summary>
/// Arrays of updates that are used again: at thousands of updates a second, large ones made anew would keep the collector busy.
/// </summary>
internal sealed class BufferPool
{
    private readonly ConcurrentDictionary<int, ConcurrentBag<float[]>> _free = [];

    /// <summary>An array of exactly that length, with anything in it.</summary>
    public float[] Take(int length) =>
        _free.TryGetValue(length, out var bag) && bag.TryTake(out var buffer) ? buffer : GC.AllocateUninitializedArray<float>(length);

    /// <summary>Takes back what nobody reads any more.</summary>
    public void Return(IEnumerable<NodeResult> results)
    {
        foreach (var tensor in results.SelectMany(result => result.Update ?? Adapters.AdapterState.Empty))
            _free.GetOrAdd(tensor.Values.Length, _ => []).Add(tensor.Values);
    }
}
