using System.Runtime.Intrinsics;
using FedLora.Compression;

namespace FedLora.Federations.Updates;

/// <summary>One tensor of an update.</summary>
/// <param name="Start">The global adapter's values in its place; empty where it has none of that size, and the update counts as it
/// is.</param>
public readonly record struct ChangedTensor(string Name, ReadOnlyMemory<float> Values, ReadOnlyMemory<float> Start);

/// <summary>
/// Whether the numbers of an update may be aggregated: all finite, and not further from the global adapter than the federation allows.
/// </summary>
public static class ChangeCheck
{
    /// <summary>Checks whole tensors, each as it comes; null where they are fine.</summary>
    /// <param name="maxNorm">Largest L2 norm of the change over all tensors; 0: no bound.</param>
    /// <param name="where">Whose update, for messages.</param>
    public static Refusal? Of(IEnumerable<ChangedTensor> tensors, double maxNorm, string where)
    {
        var squares = 0.0;
        foreach (var (name, values, start) in tensors)
        {
            var square = Squares(values.Span, start.Span);
            // Squares of finite numbers, in float64, add up to a finite one.
            if (!double.IsFinite(square) && NotFinite(values.Span) is >= 0 and var i)
                return new(RefusalCodes.UpdateNotFinite, $"{where}: tensor '{name}' holds {values.Span[i]} at index {i}.",
                    "The node's training diverged: lower the learning rate.");
            squares += square;
        }

        return OfNorm(squares, maxNorm, where);
    }

    /// <summary>Checks a change of which only some entries travelled; null where it is fine.</summary>
    /// <inheritdoc cref="Of(IEnumerable{ChangedTensor}, double, string)"/>
    public static Refusal? Of(SparseVector change, VectorLayout layout, double maxNorm, string where)
    {
        var squares = 0.0;
        for (var i = 0; i < change.Count; i++)
        {
            if (!float.IsFinite(change.Values[i]))
                return new(RefusalCodes.UpdateNotFinite,
                    $"{where}: tensor '{layout.NameAt(change.Indices[i])}' changes by {change.Values[i]}.",
                    "The node's training diverged: lower the learning rate.");
            squares += (double)change.Values[i] * change.Values[i];
        }

        return OfNorm(squares, maxNorm, where);
    }

    private static int NotFinite(ReadOnlySpan<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                return i;
        }

        return -1;
    }

    // sum (v - s)^2 in float64, in eight sums whatever the processor: the same bits everywhere.
    private static double Squares(ReadOnlySpan<float> values, ReadOnlySpan<float> start)
    {
        var (sums, i) = (Vector512<double>.Zero, 0);
        for (; i <= values.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var change = Widen(values[i..]) - (start.IsEmpty ? Vector512<double>.Zero : Widen(start[i..]));
            sums += change * change;
        }

        var rest = 0.0;
        for (; i < values.Length; i++)
        {
            var change = (double)values[i] - (start.IsEmpty ? 0 : start[i]);
            rest += change * change;
        }

        for (var lane = 0; lane < Vector512<double>.Count; lane++)
            rest += sums[lane];
        return rest;
    }

    private static Vector512<double> Widen(ReadOnlySpan<float> values)
    {
        var (low, high) = Vector256.Widen(Vector256.Create(values));
        return Vector512.Create(low, high);
    }

    private static Refusal? OfNorm(double squares, double maxNorm, string where) => maxNorm > 0 && Math.Sqrt(squares) > maxNorm
        ? new(RefusalCodes.UpdateNorm,
            $"{where} is {Math.Sqrt(squares):g4} away from the global adapter, more than the bound of {maxNorm:g4}.",
            "Lower the learning rate, or raise training.max_update_norm.")
        : null;
}
