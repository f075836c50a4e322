using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>The masks of causal attention, made once for every length: 0 where a position may look, minus infinity elsewhere.</summary>
public sealed class AttentionMasks(Device device) : IDisposable
{
    private const int Kept = 64;
    private readonly Dictionary<(int Length, int Past, int Repeats, int? Window), Tensor> _masks = [];

    /// <summary>The mask for some queries after some earlier positions.</summary>
    /// <param name="length">Queries.</param>
    /// <param name="past">Earlier positions, which all queries may look at as far as the window reaches.</param>
    /// <param name="repeats">How often the queries stand below each other.</param>
    /// <param name="window">How many positions, itself included, a position sees; null for all.</param>
    /// <returns>1 x (repeats * length) x (past + length); null where nothing is masked.</returns>
    public Tensor? For(int length, int past, int repeats, int? window)
    {
        if (length == 1 && (window is not { } sees || past < sees))
            return null;
        if (_masks.TryGetValue((length, past, repeats, window), out var known))
            return known;
        if (_masks.Count >= Kept)
            Dispose();
        var all = past + length;
        var values = new float[repeats * length * all];
        for (var row = 0; row < repeats * length; row++)
        {
            var position = past + (row % length);
            for (var column = 0; column < all; column++)
                values[(row * all) + column] = column <= position && (window is not { } reach || column > position - reach) ? 0 : float.NegativeInfinity;
        }
        return _masks[(length, past, repeats, window)] = tensor(values, [1, repeats * length, all], device: device).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach (var mask in _masks.Values)
            mask.Dispose();
        _masks.Clear();
    }
}
