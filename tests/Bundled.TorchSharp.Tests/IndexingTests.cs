using static TorchSharp.torch;

namespace TorchSharp.Tests;

public sealed class IndexingTests : ScopedTest
{
    private readonly Tensor _cube = arange(24).view(2, 3, 4);

    [Fact]
    public void Positions_slices_ellipsis_and_new_dimensions_are_views()
    {
        Assert.Equal([20L, 21, 22, 23], Values(_cube[1, 2]));
        Assert.Equal([23L], Values(_cube[1, 2, 3]));
        Assert.Equal([1L, 5, 9], Values(_cube[0, TensorIndex.Colon, 1]));
        Assert.Equal([3L, 7, 11, 15, 19, 23], Values(_cube[TensorIndex.Ellipsis, -1]));
        Assert.Equal([0L, 2], Values(_cube[0, 0, TensorIndex.Slice(step: 2)]));
        Assert.Equal([14L, 18], Values(_cube[1, ..2, 2]));
        Assert.Equal([2L, 1, 3, 4], _cube[TensorIndex.Colon, TensorIndex.None].shape);
        _cube[0, 0, 0..2].zero_();
        Assert.Equal([0L, 0, 2, 3], Values(_cube[0, 0]));
    }

    [Fact]
    public void Tensors_and_masks_gather()
    {
        var positions = tensor(new long[] { 2, 0 });
        Assert.Equal([2L, 2, 4], _cube[TensorIndex.Colon, TensorIndex.Tensor(positions)].shape);
        Assert.Equal([8L, 0], Values(_cube[0, TensorIndex.Tensor(positions), 0]));
        Assert.Equal([20L, 21, 22, 23], Values(_cube[_cube.ge(20)]));
        Assert.Equal([12L, 23], Values(_cube[tensor(new long[] { 1, 1 }), tensor(new long[] { 0, 2 }), tensor(new long[] { 0, 3 })]));
    }

    [Fact]
    public void Assignment_writes_through()
    {
        _cube[1, 2] = tensor(new long[] { 1, 2, 3, 4 });
        Assert.Equal([1L, 2, 3, 4], Values(_cube[1, 2]));
        _cube.index_put_(7, TensorIndex.Tensor(_cube.ge(10)));
        Assert.Equal(7L, _cube.max().item<long>() is 9 ? 7 : _cube[1, 0, 0].item<long>());
        var counts = zeros(3, dtype: int64);
        counts.index_put_(ones(4, dtype: int64), [tensor(new long[] { 0, 2, 2, 2 })], accumulate: true);
        Assert.Equal([1L, 0, 3], Values(counts));
    }

    [Fact]
    public void Gathering_and_scattering_are_inverse()
    {
        var order = randperm(6);
        var x = randn(6, 2);
        var back = zeros_like(x).index_copy_(0, order, x.index_select(0, order));
        Near.Equal(x, back, 0);
        Near.Equal(x.mul(2), x.clone().index_add_(0, order, x.index_select(0, order), 1), 1e-7);
        var index = tensor(new long[,] { { 1, 0 }, { 0, 1 } });
        var m = tensor(new float[,] { { 1, 2 }, { 3, 4 } });
        Near.Equal([2, 1, 3, 4], m.gather(1, index));
        Near.Equal([2, 1, 3, 4], zeros(2, 2).scatter_(1, index, m));
    }

    [Fact]
    public void Joining_and_splitting_are_inverse()
    {
        Near.Equal(_cube, cat(_cube.split(1, 1), 1), 0);
        Near.Equal(_cube, stack(_cube.unbind(2), 2), 0);
        Near.Equal(_cube, cat(_cube.chunk(2)), 0);
        Near.Equal(_cube, cat(_cube.split(new long[] { 1, 2 }, 1), 1), 0);
        Assert.Throws<ArgumentException>(() => cat(Array.Empty<Tensor>()));
    }

    private static long[] Values(Tensor tensor) => tensor.data<long>().ToArray();
}
