using System.Security.Cryptography;
using FedLora.Client.State;
using FedLora.Protocol.V1;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace FedLora.Client.Tests;

/// <summary>What lies in the cache is believed only as far as its hash says.</summary>
public sealed class BlobCacheTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");
    private readonly byte[] _bytes = RandomNumberGenerator.GetBytes(50_000);

    private BlobRef Blob => new() { Sha256 = Convert.ToHexStringLower(SHA256.HashData(_bytes)), Size = _bytes.Length };

    private string Kept => Path.Combine(_folder.FullName, Blob.Sha256);

    [Fact]
    public async Task What_is_here_is_not_fetched_again()
    {
        var calls = 0;
        Assert.Equal(_bytes, await ReadAsync(_bytes, () => calls++));
        Assert.Equal(_bytes, await ReadAsync(_bytes, () => calls++));
        Assert.Equal(1, calls);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(49_999)]
    public async Task A_byte_that_flipped_is_noticed_and_the_blob_is_fetched_again(int at)
    {
        var damaged = (byte[])_bytes.Clone();
        damaged[at] ^= 1;
        await File.WriteAllBytesAsync(Kept, damaged, TestContext.Current.CancellationToken);
        var calls = 0;
        Assert.Equal(_bytes, await ReadAsync(_bytes, () => calls++));
        Assert.Equal(1, calls);
        Assert.Equal(_bytes, await File.ReadAllBytesAsync(Kept, TestContext.Current.CancellationToken));
    }

    /// <summary>A coordinator whose copy is damaged: nothing of it stays, and the caller decides when to ask again.</summary>
    [Fact]
    public async Task What_comes_wrong_is_asked_for_once_and_not_kept()
    {
        var calls = 0;
        Assert.Equal("blob-invalid",
            (await Assert.ThrowsAsync<FedLoraException>(() => ReadAsync(new byte[_bytes.Length], () => calls++))).Code);
        Assert.Equal(1, calls);
        Assert.Empty(_folder.EnumerateFiles());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private Task<byte[]> ReadAsync(byte[] served, Action called) =>
        new BlobCache(_folder.FullName, TimeProvider.System, NullLogger<BlobCache>.Instance).ReadAsync(
            Blob,
            (request, _) =>
            {
                called();
                return new FakeCall<GetBlobRequest, Chunk>().Answer(new Chunk { Offset = 0, Data = ByteString.CopyFrom(served) }, null)
                    .Download(request);
            },
            TestContext.Current.CancellationToken);
}
