namespace FedLora.Aggregation;

/// <summary>
/// Multi-Krum (Blanchard, El Mhamdi, Guerraoui and Stainer, NeurIPS 2017): score(i) is the sum of the n - f - 2 smallest squared distances
/// from i to others; the n - f updates of the smallest scores are kept.
/// </summary>
internal static class MultiKrum
{
    /// <summary>The nodes that are kept, in their order; of equal scores the earlier node.</summary>
    /// <param name="distances">Squared, of every two nodes.</param>
    /// <param name="outliers">f; n is at least 2 f + 3.</param>
    public static IReadOnlyList<int> Select(double[,] distances, int outliers)
    {
        var count = distances.GetLength(0);
        var scores = new double[count];
        for (var i = 0; i < count; i++)
        {
            var to = new List<double>(count - 1);
            for (var j = 0; j < count; j++)
            {
                if (j != i)
                    to.Add(distances[i, j]);
            }
            to.Sort();
            scores[i] = to.Take(count - outliers - 2).Sum();
        }
        return [.. Enumerable.Range(0, count).OrderBy(i => scores[i]).ThenBy(i => i).Take(count - outliers).Order()];
    }
}
