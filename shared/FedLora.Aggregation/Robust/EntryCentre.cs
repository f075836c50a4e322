namespace FedLora.Aggregation;

/// <summary>The centre of one entry's values at all nodes; sums in float64 from the smallest to the largest, rounded once.</summary>
internal static class EntryCentre
{
    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    public static float Median(Span<float> values)
    {
        values.Sort();
        return (float)(((double)values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2);
    }

    /// <summary>The mean without the <paramref name="outliers"/> smallest and as many largest.</summary>
    public static float TrimmedMean(Span<float> values, int outliers)
    {
        values.Sort();
        var kept = values[outliers..^outliers];
        var sum = 0.0;
        foreach (var value in kept)
            sum += value;
        return (float)(sum / kept.Length);
    }
}
