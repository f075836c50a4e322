using FedLora.Adapters;
using FedLora.Compression;
using FedLora.Protocol.V1;

namespace FedLora.Client.Rounds;

/// <summary>From the bytes of a blob to tensors.</summary>
internal static class BlobCodec
{
    /// <param name="encoding">As the coordinator names it.</param>
    /// <param name="bytes">The whole blob.</param>
    /// <param name="sparse">How the tensors lie that travel sparsely; looked at only where some do.</param>
    /// <exception cref="FedLoraException">The bytes are not what the encoding says.</exception>
    internal static AdapterState Decode(BlobEncoding encoding, byte[] bytes, Func<VectorLayout> sparse) => encoding switch
    {
        BlobEncoding.Safetensors => AdapterState.FromBytes(bytes, "adapter from the coordinator"),
        BlobEncoding.Sparse when sparse() is var layout =>
            layout.Unflatten(SparseCodec.Decode(bytes, layout.Length, layout.Digest.Span).ToDense()),
        _ => throw new FedLoraException("encoding-unknown",
            $"the coordinator sent an adapter in encoding {encoding}, which this program does not know", "update the client"),
    };
}
