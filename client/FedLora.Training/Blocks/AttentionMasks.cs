using FedLora.Training.Kernels;
using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>
/// The masks of causal attention: 0 where a position may look, minus infinity elsewhere. Those used last are kept, up to a size.
/// </summary>
public sealed class AttentionMasks(Device device) : IDisposable
{
    /// <summary>How many numbers all kept masks hold together, at most (128 MiB).</summary>
    public const long Kept = 1 << 25;

    private readonly Dictionary<(int Length, int Past, int Repeats, int? Window), Tensor> _masks = [];

    /// <summary>How many numbers the kept masks hold together.</summary>
    internal long Held { get; private set; }

    /// <summary>The mask for some queries after some earlier positions.</summary>
    /// <param name="length">Queries.</param>
    /// <param name="past">Earlier positions, which all queries may look at as far as the window reaches.</param>
    /// <param name="repeats">How often the queries stand below each other.</param>
    /// <param name="window">How many positions, itself included, a position sees; null for all.</param>
    /// <returns>1 x (repeats * length) x (past + length), good until the caller's dispose scope or the next call ends it; null where
    /// nothing is masked.</returns>
    public Tensor? For(int length, int past, int repeats, int? window)
    {
        if (length == 1 && (window is not { } sees || past < sees))
            return null;
        if (_masks.TryGetValue((length, past, repeats, window), out var known))
            return known;
        var mask = Make(length, past, repeats, window);
        if (mask.numel() > Kept)
            return mask;
        if (Held + mask.numel() > Kept)
            Dispose();
        Held += mask.numel();
        return _masks[(length, past, repeats, window)] = mask.DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach (var mask in _masks.Values)
            mask.Dispose();
        _masks.Clear();
        Held = 0;
    }

    private Tensor Make(int length, int past, int repeats, int? window)
    {
        using var scope = NewDisposeScope();
        var position = arange(Scalars.Held(past), Scalars.Held((long)past + length), Scalars.Held(1), device: device).unsqueeze(1);
        var column = arange(Scalars.Held(0), Scalars.Held((long)past + length), Scalars.Held(1), device: device);
        var hidden = column.gt(position);
        if (window is { } reach)
            hidden.logical_or_(column.le(position.sub(Scalars.Held(reach))));
        var once = zeros([length, (long)past + length], device: device).masked_fill_(hidden, Scalars.Held(float.NegativeInfinity));
        return once.expand(repeats, -1, -1).reshape(1, (long)repeats * length, (long)past + length).MoveToOuterDisposeScope();
    }
}
