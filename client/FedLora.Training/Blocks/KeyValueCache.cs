using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// Keys and values of the positions that a text has so far, by layer. For one text at a time. Each layer has room for more than it holds,
/// doubled when it is full, so that a new position is written and nothing else moves.
/// </summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private const long LeastRoom = 64;
    private readonly Layer?[] _layers = new Layer?[layers];

    /// <summary>Positions held.</summary>
    public int Length => (int)(_layers[0]?.Length ?? 0);

    /// <summary>Adds new positions and returns all, as views that the next call may end: positions x heads x head size.</summary>
    /// <param name="layer">Its number.</param>
    /// <param name="key">New positions x heads x head size.</param>
    /// <param name="value">As the key.</param>
    public (Tensor Key, Tensor Value) Append(int layer, Tensor key, Tensor value)
    {
        using var off = no_grad();
        var (old, count) = (_layers[layer], key.shape[0]);
        var length = old?.Length ?? 0;
        var held = old is not null && old.Keys.shape[0] >= length + count ? old : Grow(old, key, length + count);
        _layers[layer] = held with { Length = length + count };
        Put(held.Keys, key);
        Put(held.Values, value);
        return (held.Keys.narrow(0, 0, length + count), held.Values.narrow(0, 0, length + count));

        void Put(Tensor all, Tensor fresh)
        {
            using var place = all.narrow(0, length, count);
            place.copy_(fresh).Dispose();
        }
    }

    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer?.Keys.Dispose();
            layer?.Values.Dispose();
        }
        Array.Clear(_layers);
    }

    private static Layer Grow(Layer? old, Tensor like, long least)
    {
        var room = Math.Max(LeastRoom, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)least));
        return new Layer(Grown(old?.Keys), Grown(old?.Values), old?.Length ?? 0);

        Tensor Grown(Tensor? before)
        {
            var grown = empty([room, like.shape[1], like.shape[2]], dtype: like.dtype, device: like.device).DetachFromDisposeScope();
            if (before is not null)
            {
                using var place = grown.narrow(0, 0, before.shape[0]);
                place.copy_(before).Dispose();
                before.Dispose();
            }
            return grown;
        }
    }

    private sealed record Layer(Tensor Keys, Tensor Values, long Length);
}
