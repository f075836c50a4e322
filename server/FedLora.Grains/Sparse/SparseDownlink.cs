using FedLora.Adapters;
using FedLora.Compression;

namespace FedLora.Grains;

/// <summary>
/// The global adapter as nodes with a thin link get it: the factors that the round does not train whole, in a blob that stays the same while
/// they do; of those that it trains the largest entries. A pure function of global adapter and definition, so that it can be made again.
/// </summary>
public static class SparseDownlink
{
    /// <summary>Makes and stores the parts, or finds them stored.</summary>
    public static async Task<IReadOnlyList<BlobPart>> MakeAsync(
        IBlobStore blobs, FederationDefinition definition, int round, AdapterRef global, double density, CancellationToken cancellationToken)
    {
        var adapter = await blobs.GetAdapterAsync(global.Sha256, cancellationToken);
        var sent = definition.SentFactors(round);
        var layout = VectorLayout.Of(adapter.Only(sent));
        var parts = new List<BlobPart>();
        var rest = new AdapterState(adapter.Where(tensor => !layout.Shapes.ContainsKey(tensor.Name)));
        if (rest.Count > 0)
        {
            var whole = await blobs.PutAdapterAsync(rest, cancellationToken);
            parts.Add(new() { Sha256 = whole.Sha256, Bytes = whole.Bytes, Encoding = BlobEncoding.Safetensors });
        }

        var selected = SparseCommunication.SelectDown(layout, layout.Flatten(adapter.Only(sent)), density, definition.Communication.SpareB);
        var bytes = SparseCodec.Encode(selected, SparseTerms.Formats[definition.Communication.Values], layout.Digest.Span, definition.Seed + (ulong)round);
        var hash = await blobs.PutAsync((stream, cancel) => stream.WriteAsync(bytes, cancel).AsTask(), cancellationToken);
        parts.Add(new() { Sha256 = hash, Bytes = bytes.Length, Encoding = BlobEncoding.Sparse });
        return parts;
    }
}
