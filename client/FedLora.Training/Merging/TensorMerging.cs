using FedLora.Adapters;
using static FedLora.Training.Kernels.Scalars;
using static TorchSharp.torch;

namespace FedLora.Training.Merging;

/// <summary>What a merged tensor's bytes are made of: piece by piece, so that neither the tensor nor the product is ever whole.</summary>
internal static class TensorMerging
{
    private const int PieceBytes = 1 << 24;

    /// <summary>The bytes of the checkpoint.</summary>
    public static void Copy(SafetensorsFile file, SafetensorsEntry entry, SafetensorsWriter.Sink sink, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Min(PieceBytes, entry.ByteCount)];
        for (long start = 0; start < entry.ByteCount; start += buffer.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, entry.ByteCount - start));
            file.ReadBytes(entry.Name, start, piece);
            sink(piece);
        }
    }

    /// <summary>
    /// round(W + s B A), in float32 (float64 for weights of that type), rounded once; with DoRA each of its rows at its length. Where W is
    /// stored d_in x d_out: its transpose.
    /// </summary>
    /// <param name="file">The checkpoint's file.</param>
    /// <param name="entry">W in it.</param>
    /// <param name="type">W's type.</param>
    /// <param name="product">The module's.</param>
    /// <param name="isTransposed">Whether W is stored d_in x d_out.</param>
    /// <exception cref="FedLoraException"><c>merge-not-finite</c>.</exception>
    public static void Add(SafetensorsFile file, SafetensorsEntry entry, ScalarType type, MergedProduct product, bool isTransposed,
        SafetensorsWriter.Sink sink, CancellationToken cancellationToken)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var wide = type == ScalarType.Float64 ? type : ScalarType.Float32;
        var (a, b) = (Wide(product.A, wide), Wide(product.B, wide).mul(Held(product.Scale)));
        var (left, right) = isTransposed ? (a.t().contiguous(), b.t()) : (b, a);
        var stretch = product.Magnitudes is { } lengths ? Stretch(lengths) : null;
        foreach (var (row, piece) in Pieces())
        {
            using (piece)
            using (NewDisposeScope())
            {
                var longer = stretch is null ? piece : isTransposed ? piece.mul(stretch)
                    : piece.mul(stretch.narrow(0, row, piece.shape[0]).unsqueeze(1));
                Put(longer.to(type), entry.Name, sink);
            }
        }

        // W + s B A, some rows as they are stored at a time.
        IEnumerable<(long Row, Tensor Piece)> Pieces()
        {
            var (rows, columns, size) = (entry.Shape[0], entry.Shape[1], SafetensorsEntry.SizeOf(entry.Dtype));
            var atOnce = Math.Max(1, PieceBytes / (columns * size));
            for (long row = 0; row < rows; row += atOnce)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var count = Math.Min(atOnce, rows - row);
                Tensor piece;
                using (NewDisposeScope())
                {
                    var stored = empty([count, columns], dtype: type);
                    file.ReadBytes(entry.Name, row * columns * size, stored.bytes);
                    piece = stored.to(wide, copy: true).MoveToOuterDisposeScope();
                    piece.addmm_(left.narrow(0, row, count), right);
                }
                yield return (row, piece);
            }
        }

        // What each row of d_out is multiplied with: its length over the one that it has.
        Tensor Stretch(float[] lengths)
        {
            var squares = zeros(lengths.Length, dtype: ScalarType.Float64);
            foreach (var (row, piece) in Pieces())
            {
                using (piece)
                using (NewDisposeScope())
                {
                    var sums = piece.to(ScalarType.Float64).Squared().sum(isTransposed ? 0 : 1);
                    (isTransposed ? squares : squares.narrow(0, row, piece.shape[0])).Plus(sums);
                }
            }
            return (tensor(lengths).to(ScalarType.Float64) / squares.sqrt()).to(wide);
        }
    }

    /// <summary>A tensor of the adapter, in the base model's type.</summary>
    /// <exception cref="FedLoraException"><c>merge-not-finite</c>.</exception>
    public static void Take(AdapterTensor source, ScalarType type, SafetensorsWriter.Sink sink)
    {
        using var scope = NewDisposeScope();
        var whole = Wide(source, ScalarType.Float32);
        var atOnce = Math.Max(1, PieceBytes / (sizeof(float) * (source.Values.Length / source.Rows)));
        for (var row = 0; row < source.Rows; row += atOnce)
            Put(whole.narrow(0, row, Math.Min(atOnce, source.Rows - row)).to(type), source.Name, sink);
    }

    private static Tensor Wide(AdapterTensor source, ScalarType type) =>
        tensor(source.Values, Array.ConvertAll(source.Shape, size => (long)size)).to(type);

    private static void Put(Tensor merged, string name, SafetensorsWriter.Sink sink)
    {
        if (!merged.isfinite().all().item<bool>())
            throw new FedLoraException("merge-not-finite", $"Merged, '{name}' has values that its type {merged.dtype} does not hold.",
                "The adapter is far too large for this model: it belongs to another, or its training diverged.");
        sink(merged.contiguous().bytes);
    }
}
