namespace FedLora.Training.Running;

/// <summary>Chooses the examples of each step.</summary>
public interface IBatchSampler
{
    /// <summary>Indices of the next step's examples; may be empty (Poisson sampling).</summary>
    int[] Next();
}

/// <summary>Goes through all examples in a new order each time, as often as it takes.</summary>
/// <param name="count">How many examples there are, at least 1.</param>
/// <param name="batchSize">Examples of a step.</param>
/// <param name="seed">Decides the order.</param>
public sealed class ShuffledSampler(int count, int batchSize, ulong seed) : IBatchSampler
{
    private readonly Random _random = new(HashCode(seed));
    private readonly int[] _order = [.. Enumerable.Range(0, count)];
    private int _next = int.MaxValue;

    public int[] Next()
    {
        var batch = new int[Math.Min(batchSize, _order.Length)];
        for (var i = 0; i < batch.Length; i++)
        {
            if (_next >= _order.Length)
            {
                _random.Shuffle(_order);
                _next = 0;
            }
            batch[i] = _order[_next++];
        }
        return batch;
    }

    private static int HashCode(ulong seed) => (int)(seed ^ (seed >> 32));
}
