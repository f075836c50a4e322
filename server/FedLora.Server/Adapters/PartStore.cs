using System.Collections.Concurrent;
using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Grains;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Adapters;

/// <summary>
/// What nodes may download: the adapters named in tasks, cut into one part per kind of factor, so that a node that has a factor already
/// (FFA-LoRA's A, Fed-SB's A and B, RoLoRA's factor at rest) does not fetch it again. Parts are a pure function of the adapter, so they are
/// kept in memory only and made again after a restart, when a node asks for its task.
/// </summary>
internal sealed class PartStore(IBlobStore blobs) : IDisposable
{
    private const int AdaptersKept = 64;
    private const long BytesKept = 256L << 20;
    private readonly ConcurrentDictionary<string, Wire.AdapterRef> split = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte[]> parts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> order = new();
    private readonly SemaphoreSlim one = new(1, 1);

    /// <summary>The parts of an adapter.</summary>
    internal async Task<Wire.AdapterRef> SplitAsync(string sha256, CancellationToken cancellation)
    {
        if (split.TryGetValue(sha256, out var known))
            return known;
        await one.WaitAsync(cancellation);
        try
        {
            if (split.TryGetValue(sha256, out known))
                return known;
            var state = await LoadAsync(sha256, cancellation);
            var adapter = new Wire.AdapterRef { Sha256 = sha256 };
            foreach (var factor in (ReadOnlySpan<Factors>)[Factors.A, Factors.B, Factors.R, Factors.Head])
                Add(adapter, state.Only(factor));
            split[sha256] = adapter;
            order.Enqueue(sha256);
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

    private void Add(Wire.AdapterRef adapter, AdapterState part)
    {
        if (part.Count == 0)
            return;
        var bytes = part.ToBytes();
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        parts[hash] = bytes;
        adapter.Parts.Add(new Wire.BlobRef { Sha256 = hash, Size = bytes.Length, Encoding = Wire.BlobEncoding.Safetensors });
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
