namespace FedLora.Compression.Tests;

/// <summary>Vectors with kept entries in generated places.</summary>
internal static class Masks
{
    /// <summary>Exactly <paramref name="count"/> entries, every choice equally likely.</summary>
    public static SparseVector Uniform(int length, int count, int seed)
    {
        var random = new Random(seed);
        var indices = new int[count];
        var filled = 0;
        for (var i = 0; i < length && filled < count; i++)
        {
            if (random.NextDouble() * (length - i) < count - filled)
                indices[filled++] = i;
        }

        return WithValues(length, indices, random);
    }

    /// <summary>Rows of 64 entries, some of them mostly kept and the others hardly, as masks of low-rank factors are.</summary>
    public static SparseVector Clustered(int length, double density, int seed)
    {
        var random = new Random(seed);
        var indices = new List<int>();
        for (var row = 0; row < length; row += 64)
        {
            var rate = random.NextDouble() < 0.2 ? Math.Min(0.95, density * 4) : density / 4;
            for (var i = row; i < Math.Min(length, row + 64); i++)
            {
                if (random.NextDouble() < rate)
                    indices.Add(i);
            }
        }

        return WithValues(length, [.. indices], random);
    }

    private static SparseVector WithValues(int length, int[] indices, Random random) =>
        new(length, indices, [.. indices.Select(_ => (float)(random.NextDouble() + random.NextDouble() - 1) * 0.01f)]);
}
