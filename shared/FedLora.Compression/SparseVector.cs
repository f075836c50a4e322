namespace FedLora.Compression;

/// <summary>A vector of which only some entries are not zero.</summary>
/// <param name="Length">Number of entries, zeros included; at least 0.</param>
/// <param name="Indices">Positions of the entries that are kept: strictly increasing, each in [0, <paramref name="Length"/>).</param>
/// <param name="Values">The entries at <paramref name="Indices"/>, one each.</param>
public sealed record SparseVector(int Length, int[] Indices, float[] Values)
{
    /// <summary>Number of entries that are kept.</summary>
    public int Count => Indices.Length;

    /// <summary>Gathers the entries of a dense vector at given positions.</summary>
    public static SparseVector Gather(ReadOnlySpan<float> dense, int[] indices)
    {
        var values = new float[indices.Length];
        for (var i = 0; i < indices.Length; i++)
            values[i] = dense[indices[i]];
        return new SparseVector(dense.Length, indices, values);
    }

    /// <summary>The same vector with its zeros written out.</summary>
    public float[] ToDense()
    {
        if (Count == Length)
            return [.. Values];
        var dense = new float[Length];
        for (var i = 0; i < Indices.Length; i++)
            dense[Indices[i]] = Values[i];
        return dense;
    }
}
