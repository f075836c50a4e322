using System.Security.Cryptography;
using FedLora.Client.State;
using FedLora.Protocol.V1;

namespace FedLora.Client.Tests;

/// <summary>An update is on disk before it is sent: a daemon that dies sends it again instead of training again.</summary>
public sealed class PendingUpdateTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-client-tests-");

    [Fact]
    public void A_kept_update_answers_its_round_from_the_same_adapter_whatever_the_attempt()
    {
        Keep(round: 3);
        var kept = PendingUpdate.Load(_folder.FullName)!;
        Assert.True(kept.Answers(Task(3, "adapter", attempt: 2)));
        Assert.False(kept.Answers(Task(4, "adapter")));
        Assert.False(kept.Answers(Task(3, "another adapter")));
    }

    [Fact]
    public void Only_the_newest_round_is_kept()
    {
        Keep(round: 3);
        Keep(round: 4);
        Assert.Equal(4u, PendingUpdate.Load(_folder.FullName)!.Header.Round);
        Assert.Equal(2, _folder.GetFiles().Length);
    }

    [Fact]
    public void An_update_of_which_a_part_is_missing_is_none()
    {
        var update = Keep(round: 3);
        using (var file = File.OpenWrite(update.Path!))
            file.SetLength(10);
        Assert.Null(PendingUpdate.Load(_folder.FullName));
    }

    [Fact]
    public void An_update_of_which_a_byte_has_flipped_is_none()
    {
        var update = Keep(round: 3);
        using (var file = File.OpenWrite(update.Path!))
            file.WriteByte(99);
        Assert.Null(PendingUpdate.Load(_folder.FullName));
        Assert.Null(PendingUpdate.Waiting(_folder.FullName));
    }

    [Fact]
    public void An_update_waits_until_the_coordinator_has_answered_and_is_kept_after()
    {
        var update = Keep(round: 3);
        Assert.NotNull(PendingUpdate.Waiting(_folder.FullName));
        PendingUpdate.Settle(_folder.FullName, update.Header);
        Assert.Null(PendingUpdate.Waiting(_folder.FullName));
        Assert.NotNull(PendingUpdate.Load(_folder.FullName));
        Keep(round: 4);
        Assert.Equal(4u, PendingUpdate.Waiting(_folder.FullName)!.Header.Round);
    }

    [Fact]
    public void A_header_that_cannot_be_read_is_none()
    {
        Keep(round: 3);
        File.WriteAllBytes(Path.Combine(_folder.FullName, "update.header"), [0xff, 0xff, 0xff]);
        Assert.Null(PendingUpdate.Load(_folder.FullName));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private PendingUpdate Keep(uint round)
    {
        var bytes = BitConverter.GetBytes(round).Concat(new byte[100]).ToArray();
        var header = new UpdateHeader
        {
            Federation = "mail",
            Round = round,
            AdapterSha256 = "adapter",
            Blob = new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)), Size = bytes.Length },
        };
        return PendingUpdate.Save(_folder.FullName, header, bytes);
    }

    private static TrainingTask Task(uint round, string adapter, uint attempt = 1) =>
        new() { Federation = "mail", Round = round, Attempt = attempt, Adapter = new AdapterRef { Sha256 = adapter } };
}
