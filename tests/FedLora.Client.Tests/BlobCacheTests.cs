using System.Security.Cryptography;
using FedLora.Client.State;
using FedLora.Protocol.V1;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Client.Tests;

/// <summary>What lies in the cache is believed only as far as its hash says.</summary>
public sealed class BlobCacheTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");
    private readonly byte[] _bytes = RandomNumberGenerator.GetBytes(50_000);

    private string Kept => Path.Combine(_folder.FullName, Hash(_bytes));

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

    [Theory]
    [InlineData(long.MaxValue, 32)]
    [InlineData(32 * 100, int.MaxValue)]
    public async Task The_oldest_go_and_the_folder_is_not_looked_through_for_each(long keep, int most)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch);
        var cache = new BlobCache(_folder.FullName, clock, NullLogger<BlobCache>.Instance, keep, most);
        var stranger = Path.Combine(_folder.FullName, "stranger");
        var looks = 0;
        for (var i = 0; i < 100; i++)
        {
            // The oldest of all goes when the folder is looked through, once there is no room.
            await File.WriteAllBytesAsync(stranger, new byte[i < 40 ? 0 : 100], TestContext.Current.CancellationToken);
            File.SetLastWriteTimeUtc(stranger, DateTime.UnixEpoch);
            var bytes = new byte[100];
            bytes[0] = (byte)i;
            await FetchAsync(cache, bytes, bytes);
            File.SetLastWriteTimeUtc(Path.Combine(_folder.FullName, Hash(bytes)), DateTime.UnixEpoch.AddMinutes(i + 1));
            looks += File.Exists(stranger) ? 0 : 1;
            Assert.InRange(_folder.EnumerateFiles().Count(), 0, 32 + 2 + 2);
        }
        Assert.InRange(looks, 1, 40);
        for (var i = 70; i < 100; i++)
            Assert.True(File.Exists(Path.Combine(_folder.FullName, Hash([(byte)i, .. new byte[99]]))));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private Task<byte[]> ReadAsync(byte[] served, Action called) =>
        FetchAsync(new BlobCache(_folder.FullName, TimeProvider.System, NullLogger<BlobCache>.Instance), _bytes, served, called);

    private static Task<byte[]> FetchAsync(BlobCache cache, byte[] wanted, byte[] served, Action? called = null) => cache.ReadAsync(
        new() { Sha256 = Hash(wanted), Size = wanted.Length },
        (request, _) =>
        {
            called?.Invoke();
            return new FakeCall<GetBlobRequest, Chunk>().Answer(new Chunk { Offset = 0, Data = ByteString.CopyFrom(served) }, null)
                .Download(request);
        },
        TestContext.Current.CancellationToken);
}
