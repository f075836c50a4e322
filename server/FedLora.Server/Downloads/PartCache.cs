using System.Collections.Concurrent;
using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Grains;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Downloads;

/// <summary>
/// What nodes may download: the adapters named in tasks, cut into one part per kind of factor, so that a node that has a factor already
/// (FFA-LoRA's A, Fed-SB's A and B, RoLoRA's factor at rest) does not fetch it again. Parts are a pure function of the adapter, so they are
/// kept in memory only and made again after a restart, when a node asks for its task.
/// </summary>
internal sealed class PartCache(IBlobStore blobs) : IDisposable
{
    private const int AdaptersKept = 64;
    private const long BytesKept = 256L << 20;
    private readonly ConcurrentDictionary<string, Wire.AdapterRef> split = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte[]> parts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> order = new();
    private readonly SemaphoreSlim one = new(1, 1);

    /// <summary>The parts of an adapter.</summary>
    internal Task<Wire.AdapterRef> SplitAsync(string sha256, CancellationToken cancellation) => CutAsync(sha256, sha256, AddWhole, cancellation);

    /// <summary>The parts of a task's global adapter: where the node's link is thin, only the largest entries of what the round trains.</summary>
    internal Task<Wire.AdapterRef> SplitAsync(TrainingTask task, CancellationToken cancellation) => task.Definition.IsSparseDown(task.DensityDown)
        ? CutAsync(task.Adapter.Sha256, $"{task.Adapter.Sha256}/{task.Federation}/{task.Round}/{task.DensityDown:r}", (adapter, state) =>
        {
            var down = SparseDownlink.Of(state, task.Definition, task.Round, task.DensityDown);
            AddWhole(adapter, down.Whole);
            Add(adapter, down.Sparse, Wire.BlobEncoding.Sparse);
        }, cancellation)
        : SplitAsync(task.Adapter.Sha256, cancellation);

    private async Task<Wire.AdapterRef> CutAsync(string sha256, string key, Action<Wire.AdapterRef, AdapterState> cut, CancellationToken cancellation)
    {
        if (split.TryGetValue(key, out var known))
            return known;
        await one.WaitAsync(cancellation);
        try
        {
            if (split.TryGetValue(key, out known))
                return known;
            var state = await LoadAsync(sha256, cancellation);
            var adapter = new Wire.AdapterRef { Sha256 = sha256 };
            cut(adapter, state);
            split[key] = adapter;
            order.Enqueue(key);
            Forget();
            return adapter;
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>A part that a task has named.</summary>
    /// <exception cref="RefusedException"><c>blob-missing</c>.</exception>
    internal Stream Open(string sha256) => parts.TryGetValue(sha256, out var bytes)
        ? new MemoryStream(bytes, writable: false)
        : throw new RefusedException(RefusalCodes.BlobMissing, "no task names such a blob now", "ask for the task again");

    public void Dispose() => one.Dispose();

    private void AddWhole(Wire.AdapterRef adapter, AdapterState state)
    {
        foreach (var factor in (ReadOnlySpan<Factors>)[Factors.A, Factors.B, Factors.R, Factors.Head])
        {
            if (state.Only(factor) is { Count: > 0 } part)
                Add(adapter, part.ToBytes(), Wire.BlobEncoding.Safetensors);
        }
    }

    private void Add(Wire.AdapterRef adapter, byte[] bytes, Wire.BlobEncoding encoding)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        parts[hash] = bytes;
        adapter.Parts.Add(new Wire.BlobRef { Sha256 = hash, Size = bytes.Length, Encoding = encoding });
    }

    private async Task<AdapterState> LoadAsync(string sha256, CancellationToken cancellation)
    {
        await using var stream = await blobs.OpenReadAsync(sha256, cancellation);
        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, cancellation);
        return AdapterState.FromBytes(bytes, $"adapter {sha256}");
    }

    // Oldest first; a node that still wants one asks for its task again and it is made anew.
    private void Forget()
    {
        while ((order.Count > AdaptersKept || parts.Values.Sum(bytes => (long)bytes.Length) > BytesKept) && order.Count > 1 && order.TryDequeue(out var oldest))
        {
            if (!split.TryRemove(oldest, out var adapter))
                continue;
            var used = split.Values.SelectMany(other => other.Parts).Select(part => part.Sha256).ToHashSet(StringComparer.Ordinal);
            foreach (var part in adapter.Parts.Where(part => !used.Contains(part.Sha256)))
                parts.TryRemove(part.Sha256, out _);
        }
    }
}
