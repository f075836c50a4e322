using FedLora.Adapters;
using FedLora.Protocol.V1;

namespace FedLora.Client.Rounds;

/// <summary>From the bytes of a blob to tensors.</summary>
internal static class BlobCodec
{
    /// <exception cref="FedLoraException">The bytes are not what the encoding says.</exception>
    internal static AdapterState Decode(BlobEncoding encoding, byte[] bytes) => encoding switch
    {
        BlobEncoding.Safetensors => AdapterState.FromBytes(bytes, "adapter from the coordinator"),
        _ => throw new FedLoraException("encoding-unknown", $"the coordinator sent an adapter in encoding {encoding}, which this program does not know", "update the client"),
    };
}
