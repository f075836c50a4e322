using FedLora.Compression;

namespace FedLora.Federations.Updates;

/// <summary>One tensor of an update.</summary>
/// <param name="Start">The global adapter's values in its place; null where it has none of that size, and the update counts as it
/// is.</param>
public readonly record struct ChangedTensor(string Name, float[] Values, float[]? Start);

/// <summary>
/// Whether the numbers of an update may be aggregated: all finite, and not further from the global adapter than the federation allows.
/// </summary>
public static class ChangeCheck
{
    /// <summary>Checks whole tensors; null where they are fine.</summary>
    /// <param name="maxNorm">Largest L2 norm of the change over all tensors; 0: no bound.</param>
    /// <param name="where">Whose update, for messages.</param>
    public static Refusal? Of(IEnumerable<ChangedTensor> tensors, double maxNorm, string where)
    {
        var squares = 0.0;
        foreach (var (name, values, start) in tensors)
        {
            for (var i = 0; i < values.Length; i++)
            {
                if (!float.IsFinite(values[i]))
                    return new(RefusalCodes.UpdateNotFinite, $"{where}: tensor '{name}' holds {values[i]} at index {i}.",
                        "The node's training diverged: lower the learning rate.");
                var change = (double)values[i] - (start is null ? 0 : start[i]);
                squares += change * change;
            }
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

    private static Refusal? OfNorm(double squares, double maxNorm, string where) => maxNorm > 0 && Math.Sqrt(squares) > maxNorm
        ? new(RefusalCodes.UpdateNorm,
            $"{where} is {Math.Sqrt(squares):g4} away from the global adapter, more than the bound of {maxNorm:g4}.",
            "Lower the learning rate, or raise training.max_update_norm.")
        : null;
}
