using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Keys and values of the positions that a text has so far, by layer. For one text at a time.</summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private readonly (Tensor Key, Tensor Value)?[] _layers = new (Tensor, Tensor)?[layers];

    /// <summary>Positions held.</summary>
    public int Length => _layers[0] is { } first ? (int)first.Key.shape[0] : 0;

    /// <summary>Adds new positions and returns all: positions x heads x head size.</summary>
    public (Tensor Key, Tensor Value) Append(int layer, Tensor key, Tensor value)
    {
        var old = _layers[layer];
        var (keys, values) = old is { } before ? (cat([before.Key, key], 0), cat([before.Value, value], 0))
            : (key.contiguous().alias(), value.contiguous().alias());
        _layers[layer] = (keys.DetachFromDisposeScope(), values.DetachFromDisposeScope());
        old?.Key.Dispose();
        old?.Value.Dispose();
        return (keys, values);
    }

    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer?.Key.Dispose();
            layer?.Value.Dispose();
        }
        Array.Clear(_layers);
    }
}
