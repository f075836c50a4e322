using static TorchSharp.torch;

namespace FedLora.Training.Blocks;

/// <summary>Some rows of a batch, in its order. A model computes its last block, its head and its loss for these only.</summary>
/// <param name="Counts">How many of each example.</param>
/// <param name="Index">Which; null for all rows.</param>
public sealed record RowSet(IReadOnlyList<int> Counts, Tensor? Index)
{
    /// <summary>Every row.</summary>
    public static RowSet All(Batch batch) => new(batch.Lengths, null);

    /// <summary>Rows by number.</summary>
    public static RowSet Of(IReadOnlyList<int> counts, IEnumerable<int> rows, Device device) =>
        new(counts, tensor(rows.Select(r => (long)r).ToArray(), device: device));

    /// <summary>The chosen rows of a matrix with a row for every token.</summary>
    public Tensor Select(Tensor all) => Index is null ? all : all.index_select(0, Index);
}
