using System.Security.Cryptography;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;

namespace FedLora.Client.Tests;

/// <summary>Uploads and downloads that were cut off go on where they were; those that stand still end.</summary>
public sealed class TransferTests : IDisposable
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");
    private readonly byte[] _bytes = RandomNumberGenerator.GetBytes(200_000);

    private string Hash => Convert.ToHexStringLower(SHA256.HashData(_bytes));

    private string Target => Path.Combine(_folder.FullName, Hash);

    private BlobRef Blob => new() { Sha256 = Hash, Size = _bytes.Length };

    [Fact]
    public async Task An_update_that_the_coordinator_has_is_not_sent_again()
    {
        var call = new FakeCall<UpdateMessage, UpdateAck>().Answer(new UpdateAck { Received = _bytes.Length, Complete = true });
        await SendAsync(call);
        Assert.NotNull(Assert.Single(call.Sent).Header);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(70_001)]
    [InlineData(199_999)]
    public async Task An_upload_goes_on_from_the_byte_that_the_coordinator_names(int received)
    {
        var call = new FakeCall<UpdateMessage, UpdateAck>()
            .Answer(new UpdateAck { Received = received }, new UpdateAck { Received = _bytes.Length },
                new UpdateAck { Received = _bytes.Length, Complete = true });
        await SendAsync(call);
        var chunks = call.Sent.Skip(1).Select(message => message.Chunk).ToList();
        Assert.Equal(received, chunks[0].Offset);
        Assert.All(chunks, chunk => Assert.InRange(chunk.Data.Length, 1, ChunkSender.ChunkSize));
        Assert.Equal(_bytes[received..], chunks.SelectMany(chunk => chunk.Data.ToByteArray()));
    }

    [Fact]
    public async Task An_upload_that_ends_without_being_accepted_is_to_be_tried_again()
    {
        var call = new FakeCall<UpdateMessage, UpdateAck>().Answer(new UpdateAck(), new UpdateAck { Received = 100_000 }, null);
        var error = await Assert.ThrowsAsync<FedLoraException>(() => SendAsync(call));
        Assert.Equal("upload-incomplete", error.Code);
        Assert.Contains("100000", error.Message);
    }

    [Fact]
    public async Task An_upload_that_stands_still_ends()
    {
        var time = new FakeTimeProvider();
        var call = new FakeCall<UpdateMessage, UpdateAck>().Answer(new UpdateAck());
        using var update = new MemoryStream(_bytes);
        var sending = new UpdateUpload(time, Idle).SendAsync(Header(), update, _ => call.Duplex(), null, CancellationToken.None);
        time.Advance(Idle);
        Assert.Equal("transfer-idle", (await Assert.ThrowsAsync<FedLoraException>(() => sending)).Code);
    }

    [Fact]
    public async Task A_download_goes_on_from_what_has_arrived()
    {
        await File.WriteAllBytesAsync(Target + ".part", _bytes[..120_000]);
        var call = new FakeCall<GetBlobRequest, Chunk>().Answer(Chunk(120_000, 200_000), null);
        await FetchAsync(call);
        Assert.Equal(120_000, Assert.Single(call.Sent).Offset);
        Assert.Equal(_bytes, await File.ReadAllBytesAsync(Target));
        Assert.False(File.Exists(Target + ".part"));
    }

    [Fact]
    public async Task Bytes_with_another_hash_are_dropped()
    {
        await File.WriteAllBytesAsync(Target + ".part", new byte[120_000]);
        Assert.Equal("blob-invalid",
            (await Assert.ThrowsAsync<FedLoraException>(
                () => FetchAsync(new FakeCall<GetBlobRequest, Chunk>().Answer(Chunk(120_000, 200_000), null)))).Code);
        Assert.Empty(_folder.EnumerateFiles());
    }

    [Fact]
    public async Task A_chunk_that_does_not_fit_is_not_taken_and_what_had_arrived_stays()
    {
        var call = new FakeCall<GetBlobRequest, Chunk>().Answer(Chunk(0, 50_000), Chunk(60_000, 100_000), null);
        Assert.Equal("blob-invalid", (await Assert.ThrowsAsync<FedLoraException>(() => FetchAsync(call))).Code);
        Assert.Equal(_bytes[..50_000], await File.ReadAllBytesAsync(Target + ".part"));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("")]
    public async Task A_name_that_is_no_hash_never_becomes_a_path(string name)
    {
        var call = new FakeCall<GetBlobRequest, Chunk>();
        var download = new BlobDownload(TimeProvider.System, Idle);
        Assert.Equal("blob-invalid", (await Assert.ThrowsAsync<FedLoraException>(() =>
            download.FetchAsync(new BlobRef { Sha256 = name, Size = 1 }, Target, (request, _) => call.Download(request),
                CancellationToken.None))).Code);
        Assert.Empty(call.Sent);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private Chunk Chunk(int from, int to) => new() { Offset = from, Data = ByteString.CopyFrom(_bytes, from, to - from) };

    private UpdateHeader Header() => new() { Federation = "mail", Round = 1, Blob = Blob };

    private async Task SendAsync(FakeCall<UpdateMessage, UpdateAck> call)
    {
        using var update = new MemoryStream(_bytes);
        await new UpdateUpload(TimeProvider.System, Idle).SendAsync(Header(), update, _ => call.Duplex(), null, CancellationToken.None);
    }

    private Task FetchAsync(FakeCall<GetBlobRequest, Chunk> call) =>
        new BlobDownload(TimeProvider.System, Idle)
            .FetchAsync(Blob, Target, (request, _) => call.Download(request), CancellationToken.None);
}
