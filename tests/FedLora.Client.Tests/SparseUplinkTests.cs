using FedLora.Client.Rounds;
using FedLora.Compression;
using FedLora.Protocol.V1;

namespace FedLora.Client.Tests;

/// <summary>What error feedback keeps, and when: with the update that the coordinator has, not with the one that was made.</summary>
public sealed class SparseUplinkTests : IDisposable
{
    private const string A = "base_model.model.m.lora_A.weight";
    private static readonly VectorLayout Layout = new([(A, [1, 4])]);
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-uplink-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Of_an_update_that_is_not_delivered_the_remainder_of_earlier_rounds_is_not_lost()
    {
        Assert.Equal([0, 0, 0, 4], Sent(1, 1, 2, 3.25f, 4));
        SparseUplink.Acknowledge(_folder, 1);
        // Sent the 3.25 of round 1 along, but never delivered.
        Assert.Equal([0, 0, 3.25f, 0], Sent(2, 0, 0, 0, 0));
        Assert.Equal([0, 0, 3.25f, 0], Sent(3, 0, 0, 0, 0));
        SparseUplink.Acknowledge(_folder, 3);
        Assert.Equal([0, 2, 0, 0], Sent(4, 0, 0, 0, 0));
    }

    [Fact]
    public void An_acknowledgement_told_again_or_of_another_round_changes_nothing()
    {
        SparseUplink.Acknowledge(_folder, 1);
        Sent(1, 1, 2, 3, 4);
        SparseUplink.Acknowledge(_folder, 1);
        Sent(2, 0, 0, 0, 0);
        SparseUplink.Acknowledge(_folder, 1);
        SparseUplink.Acknowledge(_folder, 7);
        Assert.Equal([0, 0, 3, 0], Sent(3, 0, 0, 0, 0));
    }

    [Fact]
    public void A_round_that_is_trained_again_starts_from_the_same_remainder()
    {
        Sent(1, 1, 2, 3, 4);
        SparseUplink.Acknowledge(_folder, 1);
        Assert.Equal([0, 0, 3, 0], Sent(2, 0, 0, 0, 0));
        SparseUplink.Acknowledge(_folder, 2);
        Assert.Equal([0, 0, 3, 0], Sent(2, 0, 0, 0, 0));
    }

    private float[] Sent(uint round, params float[] change)
    {
        var task = new TrainingTask
        {
            Round = round,
            DensityUp = 0.25,
            Definition = new() { Communication = new Communication { ErrorFeedback = true } },
        };
        var bytes = SparseUplink.Encode(task, _folder, Layout.Unflatten(new float[4]), Layout.Unflatten(change), 1);
        return SparseCodec.Decode(bytes, 4, Layout.Digest.Span).ToDense();
    }
}
