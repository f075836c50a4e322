using FedLora.Adapters;
using FedLora.Compression;
using FedLora.Federations.Definitions;

namespace FedLora.Federations.Updates;

/// <summary>
/// The global adapter as nodes with a thin link get it: whole factors where the round sends none of them back, and of the others the
/// largest entries. A pure function of global adapter and definition.
/// </summary>
/// <param name="Whole">Tensors that travel whole.</param>
/// <param name="Sparse">The others, by the sparse codec.</param>
public sealed record SparseDownlink(AdapterState Whole, byte[] Sparse)
{
    /// <summary>Cuts the adapter up.</summary>
    public static SparseDownlink Of(AdapterState global, FederationDefinition definition, int round, double density)
    {
        var sent = global.Only(definition.SentFactors(round));
        var (layout, selected) = SparseCommunication.SelectDown(sent, density, definition.Communication.SpareB);
        return new(
            new AdapterState(global.Where(tensor => !sent.TryGet(tensor.Name, out _))),
            SparseCodec.Encode(selected, ValueFormats.ByName[definition.Communication.Values], layout.Digest.Span,
                definition.Seed + (ulong)round));
    }
}
