namespace FedLora.Privacy;

/// <summary>
/// Whether a delta means anything for so many units. A mechanism that publishes each unit whole with probability delta is (0,
/// delta)-private: at delta = 1 / count it is expected to publish one (Dwork and Roth, "The Algorithmic Foundations of Differential
/// Privacy", section 2.3).
/// </summary>
public static class DeltaAdvice
{
    /// <summary>
    /// One line where delta is too large for the count, null otherwise. Advice, no refusal: nothing is computed otherwise.
    /// </summary>
    /// <param name="delta">Above 0, below 1.</param>
    /// <param name="count">Stated number of units (examples, or groups where a unit is stated), at least 1; never a counted one, which
    /// would tell of a single example.</param>
    /// <param name="whose">Whose count it is, in words that follow "examples": e.g. "of site-2".</param>
    /// <param name="isDefault">Nobody has stated this delta.</param>
    public static string? For(double delta, long count, string whose = "", bool isDefault = false)
    {
        // Compared as a product: 1 / count rounds, and a delta written as 0.1 over ten examples must count as equal.
        if (count < 1 || delta * count < 1 - 1e-9)
            return null;
        var name = isDefault ? $"the default delta {delta:0.###e+0}" : $"delta {delta:0.###e+0}";
        return $"{name} is too large for the {count} examples{(whose.Length > 0 ? $" {whose}" : "")}: from 1/{count} on, publishing an "
            + $"example whole would keep the promise. State a delta well below it, such as {0.1 / count:0.#e+0}.";
    }
}
