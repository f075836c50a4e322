namespace FedLora.Compression.Tests;

public sealed class SparseCommunicationTests
{
    private const string A = "base_model.model.m.lora_A.weight";
    private const string B = "base_model.model.m.lora_B.weight";

    [Fact]
    public void What_is_sent_and_what_is_left_add_up_to_the_change_and_the_old_residual()
    {
        float[] start = [1, 2, 3, 4], trained = [1.5f, 1, 3, 4.25f], residual = [0, 0, 2, -0.25f];
        var (sent, left) = SparseCommunication.SelectUp(start, trained, 0.5, residual);
        Assert.Equal([1, 2], sent.Indices);
        Assert.Equal([-1f, 2f], sent.Values);
        Assert.Equal([0.5f, 0f, 0f, 0f], left);
    }

    [Fact]
    public void One_threshold_starves_a_small_factor_and_a_share_each_does_not()
    {
        var layout = new VectorLayout([(A, [1, 8]), (B, [8, 1])]);
        var weights = Enumerable.Range(0, 16).Select(i => i < 8 ? 1f + i : 0.01f * (i - 7)).ToArray();
        Assert.All(SparseCommunication.SelectDown(layout, weights, 0.25, perFactor: false).Indices, index => Assert.True(index < 8));
        Assert.Equal([6, 7, 14, 15], SparseCommunication.SelectDown(layout, weights, 0.25, perFactor: true).Indices);
    }

    [Fact]
    public void A_layout_lays_tensors_out_by_name_and_its_digest_names_shapes_too()
    {
        var layout = new VectorLayout([(B, [2, 1]), (A, [1, 3])]);
        Assert.Equal(0..3, layout.RangeOf(A));
        Assert.Equal(3..5, layout.RangeOf(B));
        float[] vector = [1, 2, 3, 4, 5];
        Assert.Equal(vector, layout.Flatten(layout.Unflatten(vector)));
        Assert.Equal(layout.Digest.ToArray(), new VectorLayout([(A, [1, 3]), (B, [2, 1])]).Digest.ToArray());
        Assert.NotEqual(layout.Digest.ToArray(), new VectorLayout([(A, [3, 1]), (B, [2, 1])]).Digest.ToArray());
    }
}
