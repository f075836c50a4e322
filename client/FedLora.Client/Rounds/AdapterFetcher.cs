using FedLora.Adapters;
using FedLora.Client.Connection;
using FedLora.Client.State;
using FedLora.Compression;
using FedLora.Protocol.V1;

namespace FedLora.Client.Rounds;

/// <summary>Brings a global adapter together from its parts: those that did not change since the last round come from the cache.</summary>
public sealed class AdapterFetcher(CoordinatorConnection connection, BlobCache cache)
{
    /// <summary>Fetches what is missing and joins the parts.</summary>
    /// <param name="adapter">With its parts.</param>
    /// <param name="sparse">How the tensors lie that travel sparsely; asked for only where some do.</param>
    /// <param name="cancellationToken">Ends the transfer; what has arrived is kept.</param>
    /// <exception cref="FedLoraException"><c>blob-invalid</c>: what was fetched is not the adapter that the task names.</exception>
    public async Task<AdapterState> FetchAsync(AdapterRef adapter, Func<VectorLayout> sparse, CancellationToken cancellationToken)
    {
        var tensors = new List<AdapterTensor>();
        var dense = true;
        foreach (var part in adapter.Parts)
        {
            var bytes = await cache.ReadAsync(part, (request, token) => connection.Node.GetBlob(request, connection.Options(token)),
                cancellationToken);
            dense &= part.Encoding == BlobEncoding.Safetensors;
            tensors.AddRange(BlobCodec.Decode(part.Encoding, bytes, sparse));
        }
        var state = new AdapterState(tensors);
        if (dense && state.Hash != adapter.Sha256)
            throw new FedLoraException("blob-invalid", $"the parts of adapter {adapter.Sha256} make another one",
                "look at the coordinator's store");
        return state;
    }
}
