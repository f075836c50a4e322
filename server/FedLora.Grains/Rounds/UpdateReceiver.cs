namespace FedLora.Grains;

/// <summary>
/// Takes updates in for the gRPC service: asks the federation whether one is wanted, keeps the bytes durably as they come, checks the whole, and has the federation record it.
/// The federation's own turn is never spent on bytes.
/// </summary>
public sealed class UpdateReceiver(IGrainFactory grains, IBlobStore blobs, CoordinatorInstruments instruments)
{
    /// <summary>From which byte to go on; the header's length where nothing is left to send.</summary>
    /// <exception cref="RefusedException">The update is not wanted, or says of itself what cannot be.</exception>
    public async Task<long> BeginAsync(UpdateHeader header, CancellationToken cancellationToken) => await CountRefusalsAsync(async () =>
    {
        var expectation = await Federation(header).BeginUpdateAsync(header, cancellationToken);
        if (expectation.AlreadyStored)
            return header.Bytes;
        var offset = await blobs.PartialLengthAsync(header.Sha256, cancellationToken);
        return Math.Min(offset, header.Bytes);
    });

    /// <summary>Keeps some bytes; returns how many there are now, and where <paramref name="durable"/> is set, all of them would survive a power cut.</summary>
    public async Task<long> AppendAsync(UpdateHeader header, long offset, ReadOnlyMemory<byte> bytes, bool durable, CancellationToken cancellationToken)
    {
        var length = await blobs.AppendAsync(header.Sha256, offset, bytes, header.Bytes, durable, cancellationToken);
        instruments.Received(bytes.Length);
        return length;
    }

    /// <summary>Checks and records the update; when this returns it is acknowledged.</summary>
    public async Task CompleteAsync(UpdateHeader header, CancellationToken cancellationToken) => await CountRefusalsAsync(async () =>
    {
        var federation = Federation(header);
        var expectation = await federation.BeginUpdateAsync(header, cancellationToken);
        if (expectation.AlreadyStored)
            return true;
        var global = await blobs.GetFileAsync(expectation.Adapter.Sha256, cancellationToken);
        if (await blobs.ExistsAsync(header.Sha256, cancellationToken))
            Check(await blobs.GetFileAsync(header.Sha256, cancellationToken), global, header, expectation);
        await blobs.CompleteAsync(header.Sha256, path => Check(path, global, header, expectation), cancellationToken);
        await federation.CommitUpdateAsync(header, cancellationToken);
        instruments.Accepted();
        return true;
    });

    private static void Check(string path, string global, UpdateHeader header, UpdateExpectation expectation)
    {
        var length = new FileInfo(path).Length;
        if (length != header.Bytes)
            throw new RefusedException(RefusalCodes.UpdateSize, $"The update of node '{header.NodeId}' has {length} bytes, its header says {header.Bytes}.", "Send it again.");
        UpdateValidator.Require(path, global, header, expectation);
    }

    private IFederationGrain Federation(UpdateHeader header) => grains.GetGrain<IFederationGrain>(header.Federation);

    private async Task<T> CountRefusalsAsync<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (RefusedException refusal)
        {
            instruments.Refused(refusal.Code);
            throw;
        }
    }
}
