using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Grains;
using FedLora.Grains.Blobs;
using FedLora.Protocol.Mapping;
using FedLora.Server.Downloads;
using FedLora.Server.Stores;
using static FedLora.Federations.Definitions.DefinitionTerms;

namespace FedLora.Server.Tests.Downloads;

/// <summary>What a task has named can be had, however much was named after it.</summary>
public sealed class PartCacheTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-parts-");
    private readonly FileBlobStore _blobs;

    public PartCacheTests() => _blobs = new(_folder.FullName);

    private static CancellationToken Never => TestContext.Current.CancellationToken;

    /// <summary>Past 64 products to fold the parts of the first were gone before the node they were named to had fetched them.</summary>
    [Fact]
    public async Task Parts_whose_bytes_were_forgotten_are_made_again()
    {
        using var parts = new PartCache(_blobs, bytesKept: 1);
        var named = new List<string>();
        for (var adapter = 1; adapter <= 100; adapter++)
        {
            var stored = await _blobs.PutAdapterAsync(Adapter(adapter), Never);
            named.AddRange((await parts.SplitAsync(stored.Sha256, Never)).Parts.Select(part => part.Sha256));
        }

        foreach (var part in named)
        {
            await using var bytes = await parts.OpenAsync(part, Never);
            Assert.Equal(part, Convert.ToHexStringLower(await SHA256.HashDataAsync(bytes, Never)));
        }
    }

    [Fact]
    public async Task What_no_task_has_named_is_said_to_be_missing()
    {
        using var parts = new PartCache(_blobs);
        var error = await Assert.ThrowsAsync<RefusedException>(() => parts.OpenAsync(new('0', 64), Never));
        Assert.Equal(RefusalCodes.BlobMissing, error.Code);
    }

    public void Dispose()
    {
        _blobs.Dispose();
        _folder.Delete(recursive: true);
    }

    private static AdapterState Adapter(int seed)
    {
        var definition = Bench.Define("fedit", 1, 1).ToModel();
        return Methods.Get("fedit").Initialize(definition.ToLayout(), definition.ToMethodOptions(), (ulong)seed);
    }
}
