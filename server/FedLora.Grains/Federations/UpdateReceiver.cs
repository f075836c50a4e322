using FedLora.Privacy.Ledger;
using Microsoft.Extensions.Logging;

namespace FedLora.Grains.Federations;

/// <summary>
/// Takes updates in for the gRPC service: asks the federation once whether one is wanted, keeps the bytes durably as they come, checks the
/// whole, and has the federation record it. The federation's own turn is never spent on bytes.
/// </summary>
public sealed class UpdateReceiver(IGrainFactory grains, IBlobStore blobs, UpdateRecorder recorder, CoordinatorInstruments instruments,
    TimeProvider time, ILogger<UpdateReceiver> log) : IDisposable
{
    private readonly StartingAdapters _starts = new(blobs);

    /// <exception cref="RefusedException">The update is not wanted, or says of itself what cannot be.</exception>
    public Task<IncomingUpdate> BeginAsync(UpdateHeader header, CancellationToken cancellationToken) => CountRefusalsAsync(async () =>
    {
        var federation = grains.GetGrain<IFederationGrain>(header.Federation);
        var expectation = await federation.BeginUpdateAsync(header, cancellationToken);
        if (expectation.Abandoned is { } abandoned)
            await blobs.DeletePartialAsync(abandoned, cancellationToken);
        var offset = expectation.AlreadyStored ? header.Bytes
            : Math.Min(await blobs.PartialLengthAsync(header.Sha256, cancellationToken), header.Bytes);
        // What is named to the sender as being here survives a power cut from now on.
        if (offset > 0 && offset < header.Bytes)
            await blobs.AppendAsync(header.Sha256, offset, default, header.Bytes, durable: true, cancellationToken);
        return new IncomingUpdate(this, header, expectation, offset);
    });

    public void Dispose() => _starts.Dispose();

    internal async Task AppendAsync(UpdateHeader header, long offset, ReadOnlyMemory<byte> bytes, bool durable,
        CancellationToken cancellationToken)
    {
        await blobs.AppendAsync(header.Sha256, offset, bytes, header.Bytes, durable, cancellationToken);
        instruments.Received(bytes.Length);
    }

    internal Task CompleteAsync(UpdateHeader header, UpdateExpectation expectation, bool resumed, CancellationToken cancellationToken) =>
        CountRefusalsAsync(async () =>
        {
            if (expectation.AlreadyStored)
                return true;
            var node = grains.GetGrain<INodeGrain>(header.NodeId);
            // It may have been revoked while it sent.
            await node.RequireActiveAsync(cancellationToken);
            await using var global = await _starts.OpenAsync(expectation.Adapter.Sha256, cancellationToken);
            try
            {
                await blobs.CompleteAsync(header.Sha256, update => Check(update, global, header, expectation), cancellationToken);
            }
            catch (RefusedException error) when (resumed && error.Code == RefusalCodes.BlobHash)
            {
                // Not the sender's fault: what was here from before (a crash, a power cut) was not what it had sent. It is dropped, and the
                // same bytes are welcome again.
                throw new RefusedException(RefusalCodes.BlobOffset,
                    $"The part of node '{header.NodeId}''s update that was here from before is damaged.", "Send it again from the start.");
            }

            await recorder.RecordAsync(header);
            if (header.Receipt is { } receipt)
                await MirrorAsync(node, header, receipt);
            instruments.Accepted();
            return true;
        });

    // The round's record has the receipt too, so that one that is not mirrored is not lost.
    private async Task MirrorAsync(INodeGrain node, UpdateHeader header, LedgerReceipt receipt)
    {
        try
        {
            await node.RecordReceiptAsync(
                new() { Federation = header.Federation, Round = header.Round, Receipt = receipt, At = time.GetUtcNow() },
                CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException)
        {
            log.ReceiptNotMirrored(error, header.Federation, header.NodeId);
        }
    }

    private static void Check(Stream update, Stream global, UpdateHeader header, UpdateExpectation expectation)
    {
        if (update.Length != header.Bytes)
            throw new RefusedException(RefusalCodes.UpdateSize,
                $"The update of node '{header.NodeId}' has {update.Length} bytes, its header says {header.Bytes}.", "Send it again.");
        UpdateValidator.Require(update, global, header, expectation);
    }

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

/// <summary>One update on its way in.</summary>
public sealed class IncomingUpdate
{
    private readonly UpdateReceiver _receiver;
    private readonly UpdateExpectation _expectation;
    private readonly bool _resumed;

    internal IncomingUpdate(UpdateReceiver receiver, UpdateHeader header, UpdateExpectation expectation, long offset) =>
        (_receiver, Header, _expectation, Offset, _resumed) = (receiver, header, expectation, offset, offset > 0);

    public UpdateHeader Header { get; }

    /// <summary>Bytes that are here: where its sender goes on; the header's length where nothing is left to send.</summary>
    public long Offset { get; private set; }

    /// <summary>Keeps some more bytes; where <paramref name="durable"/> is set, all of them would survive a power cut.</summary>
    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, bool durable, CancellationToken cancellationToken)
    {
        await _receiver.AppendAsync(Header, Offset, bytes, durable, cancellationToken);
        // Not the length of what is here: another node that sends the same bytes may be ahead.
        Offset += bytes.Length;
    }

    /// <summary>Checks and records the update; when this returns it is acknowledged.</summary>
    /// <exception cref="RefusedException">It is not what the node should have sent, or no longer wanted.</exception>
    public Task CompleteAsync(CancellationToken cancellationToken) =>
        _receiver.CompleteAsync(Header, _expectation, _resumed, cancellationToken);
}
