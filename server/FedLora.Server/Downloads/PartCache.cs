using System.Collections.Concurrent;
using System.Security.Cryptography;
using FedLora.Adapters;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Downloads;

/// <summary>
/// What nodes may download: the adapters named in tasks, cut into one part per kind of factor, so that a node that has a factor already
/// (FFA-LoRA's A, Fed-SB's A and B, RoLoRA's factor at rest) does not fetch it again. Parts are a pure function of the adapter, so they are
/// kept in memory only, and made again when they are asked for: while their bytes may be forgotten, what a task has named can always be
/// had. After a restart, and at another coordinator of a cluster, they are made when a node asks for its task or for a part of it.
/// </summary>
/// <param name="blobs">Where the adapters are.</param>
/// <param name="bytesKept">So many bytes of parts stay in memory, and those of one adapter beyond.</param>
internal sealed class PartCache(IBlobStore blobs, long bytesKept = PartCache.BytesKept) : IDisposable
{
    // Names are small and are what tasks rely on; bytes are large and can be made again.
    private const int AdaptersNamed = 16_384;
    internal const long BytesKept = 256L << 20;
    private readonly ConcurrentDictionary<string, Wire.AdapterRef> _split = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte[]> _parts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Recipe> _recipes = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _named = new();
    private readonly ConcurrentQueue<string> _held = new();
    private long _bytesHeld;
    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>The parts of an adapter.</summary>
    internal Task<Wire.AdapterRef> SplitAsync(string sha256, CancellationToken cancellationToken) =>
        CutAsync(sha256, sha256, AddWhole, cancellationToken);

    /// <summary>
    /// The parts of a task's global adapter: where the node's link is thin, only the largest entries of what the round trains.
    /// </summary>
    internal Task<Wire.AdapterRef> SplitAsync(TrainingTask task, CancellationToken cancellationToken) =>
        task.Definition.IsSparseDown(task.DensityDown)
            ? CutAsync(task.Adapter.Sha256, $"{task.Adapter.Sha256}/{task.Federation}/{task.Round}/{task.DensityDown:r}",
                (adapter, state) =>
                {
                    var down = SparseDownlink.Of(state, task.Definition, task.Round, task.DensityDown);
                    AddWhole(adapter, down.Whole);
                    Add(adapter, down.Sparse, Wire.BlobEncoding.Sparse);
                }, cancellationToken)
            : SplitAsync(task.Adapter.Sha256, cancellationToken);

    /// <summary>Whether a task has named this part here.</summary>
    internal bool Knows(string sha256) => _recipes.ContainsKey(sha256);

    /// <summary>As if the task had been handed out here: all that it names can be had.</summary>
    internal async Task NameAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        await SplitAsync(task, cancellationToken);
        foreach (var fold in task.Fold)
            await SplitAsync(fold.Sha256, cancellationToken);
    }

    private async Task<Wire.AdapterRef> CutAsync(string sha256, string key, Action<Wire.AdapterRef, AdapterState> cut,
        CancellationToken cancellationToken)
    {
        if (_split.TryGetValue(key, out var known))
            return known;
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_split.TryGetValue(key, out known))
                return known;
            var adapter = await MakeAsync(new Recipe(sha256, cut), cancellationToken);
            _split[key] = adapter;
            _named.Enqueue(key);
            while (_named.Count > AdaptersNamed && _named.TryDequeue(out var oldest) && _split.TryRemove(oldest, out var gone))
            {
                foreach (var part in gone.Parts)
                    _recipes.TryRemove(part.Sha256, out _);
            }
            return adapter;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>A part that a task has named.</summary>
    /// <exception cref="RefusedException"><c>blob-missing</c>.</exception>
    internal async Task<Stream> OpenAsync(string sha256, CancellationToken cancellationToken)
    {
        if (_parts.TryGetValue(sha256, out var bytes))
            return new MemoryStream(bytes, writable: false);
        if (_recipes.TryGetValue(sha256, out var recipe))
        {
            await _one.WaitAsync(cancellationToken);
            try
            {
                if (!_parts.TryGetValue(sha256, out bytes))
                {
                    await MakeAsync(recipe, cancellationToken);
                    bytes = _parts.GetValueOrDefault(sha256);
                }
            }
            finally
            {
                _one.Release();
            }
        }

        return bytes is not null ? new MemoryStream(bytes, writable: false)
            : throw new RefusedException(RefusalCodes.BlobMissing, "no task names such a blob now", "ask for the task again");
    }

    private async Task<Wire.AdapterRef> MakeAsync(Recipe recipe, CancellationToken cancellationToken)
    {
        var adapter = new Wire.AdapterRef { Sha256 = recipe.Adapter };
        // The oldest bytes make room first: what is made now is about to be asked for.
        while (Interlocked.Read(ref _bytesHeld) > bytesKept && _held.TryDequeue(out var oldest))
        {
            if (_parts.TryRemove(oldest, out var gone))
                Interlocked.Add(ref _bytesHeld, -gone.Length);
        }
        recipe.Cut(adapter, await blobs.GetAdapterAsync(recipe.Adapter, cancellationToken));
        foreach (var part in adapter.Parts)
            _recipes[part.Sha256] = recipe;
        return adapter;
    }

    public void Dispose() => _one.Dispose();

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
        if (_parts.TryAdd(hash, bytes))
        {
            _held.Enqueue(hash);
            Interlocked.Add(ref _bytesHeld, bytes.Length);
        }
        adapter.Parts.Add(new Wire.BlobRef { Sha256 = hash, Size = bytes.Length, Encoding = encoding });
    }

    /// <summary>How the parts of an adapter are made: a pure function of its bytes.</summary>
    private sealed record Recipe(string Adapter, Action<Wire.AdapterRef, AdapterState> Cut);
}
