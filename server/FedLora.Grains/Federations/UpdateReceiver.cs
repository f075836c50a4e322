using System.Buffers;
using System.Security.Cryptography;
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
    private const long SmallUpdate = 256 << 10;
    // 32 MiB. Whoever begins uploads and sends nothing takes these, and no more.
    private const int MostHeld = 128;
    private readonly StartingAdapters _starts = new(blobs);
    // More at once would only keep threads.
    private readonly SemaphoreSlim _checks = new(Environment.ProcessorCount);
    private int _held;

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

    public void Dispose()
    {
        _starts.Dispose();
        _checks.Dispose();
    }

    internal Task AppendAsync(UpdateHeader header, long offset, ReadOnlyMemory<byte> bytes, bool durable,
        CancellationToken cancellationToken) =>
        blobs.AppendAsync(header.Sha256, offset, bytes, header.Bytes, durable, cancellationToken);

    internal void CountReceived(int bytes) => instruments.Received(bytes);

    /// <summary>Room in memory for a small update; null where many have some.</summary>
    internal byte[]? Hold(long bytes)
    {
        if (bytes > SmallUpdate)
            return null;
        if (Interlocked.Increment(ref _held) <= MostHeld)
            return ArrayPool<byte>.Shared.Rent((int)bytes);
        Interlocked.Decrement(ref _held);
        return null;
    }

    internal void Release(byte[] held)
    {
        Interlocked.Decrement(ref _held);
        ArrayPool<byte>.Shared.Return(held);
    }

    /// <param name="header">What is said of it.</param>
    /// <param name="expectation">What it must be.</param>
    /// <param name="resumed">Whether some of it was here before.</param>
    /// <param name="whole">All of it where it is not in the store yet, else null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal Task CompleteAsync(UpdateHeader header, UpdateExpectation expectation, bool resumed, ArraySegment<byte>? whole,
        CancellationToken cancellationToken) => CountRefusalsAsync(async () =>
        {
            if (expectation.AlreadyStored)
                return true;
            var node = grains.GetGrain<INodeGrain>(header.NodeId);
            // It may have been revoked while it sent.
            await node.RequireActiveAsync(cancellationToken);
            await using var global = await _starts.OpenAsync(expectation.Adapter.Sha256, cancellationToken);
            try
            {
                if (whole is { } bytes)
                    await StoreAsync(header, bytes, update => Check(update, global, header, expectation), cancellationToken);
                else
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

    private async Task StoreAsync(UpdateHeader header, ArraySegment<byte> bytes, Action<Stream> check, CancellationToken cancellationToken)
    {
        await _checks.WaitAsync(cancellationToken);
        try
        {
            if (Convert.ToHexStringLower(SHA256.HashData(bytes)) is var hash && hash != header.Sha256)
                throw new RefusedException(RefusalCodes.BlobHash, $"The upload's SHA-256 is {hash}, not {header.Sha256}.",
                    "Send it again from the start.");
            using var update = new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false);
            check(update);
        }
        finally
        {
            _checks.Release();
        }

        await blobs.PutAsync((stream, token) => stream.WriteAsync(bytes, token).AsTask(), cancellationToken);
    }

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
