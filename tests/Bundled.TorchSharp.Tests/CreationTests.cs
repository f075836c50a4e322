using static TorchSharp.torch;

namespace TorchSharp.Tests;

public sealed class CreationTests : ScopedTest
{
    [Fact]
    public void Filled_tensors_have_their_shape_type_and_values()
    {
        Assert.Equal([0f, 0, 0, 0, 0, 0], zeros(2, 3).data<float>().ToArray());
        Assert.Equal([1L, 1], ones(2, dtype: int64).data<long>().ToArray());
        Assert.Equal([2.5, 2.5], full(2, 2.5, dtype: float64).data<double>().ToArray());
        Assert.Equal([2L, 3], empty([2, 3], bfloat16).shape);
        Assert.Equal([0L, 1, 2], arange(3).data<long>().ToArray());
        Assert.Equal([1f, 1.5f], arange(1, 2, 0.5).data<float>().ToArray());
        Assert.Equal([1f, 0, 0, 1], eye(2).data<float>().ToArray());
        Assert.Equal(ScalarType.Int64, full([2], 3).dtype);
    }

    [Fact]
    public void Tensor_copies_and_from_array_shares()
    {
        float[] values = [1, 2, 3, 4];
        var copied = tensor(values, [2, 2]);
        var shared = from_array(values);
        var part = frombuffer(values, float32, count: 2, offset: 1);
        values[1] = 20;
        Assert.Equal([1f, 2, 3, 4], copied.data<float>().ToArray());
        Assert.Equal([1f, 20, 3, 4], shared.data<float>().ToArray());
        Assert.Equal([20f, 3], part.data<float>().ToArray());
        Assert.Equal([2L, 2], as_tensor(new float[,] { { 1, 2 }, { 3, 4 } }).shape);
        Assert.Equal([1.0, 2.0], tensor(new float[] { 1, 2 }, dtype: float64).data<double>().ToArray());
    }

    [Fact]
    public void Shared_arrays_are_let_go()
    {
        var weak = Share();
        for (var k = 0; k < 5 && weak.IsAlive; k++)
            GC.Collect();
        Assert.False(weak.IsAlive);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference Share()
        {
            var values = new float[1000];
            from_array(values).Dispose();
            return new WeakReference(values);
        }
    }

    [Fact]
    public void Equal_seeds_give_equal_numbers_and_generators_are_independent()
    {
        using var first = new Generator(7);
        using var second = new Generator(7);
        Near.Equal(randn([4], generator: first), randn([4], generator: second), 0);
        Near.Equal(rand(3, 3, generator: first), rand(3, 3, generator: second), 0);
        Assert.Equal(randperm(10, generator: first).data<long>().ToArray(), randperm(10, generator: second).data<long>().ToArray());
        var state = first.get_state();
        var drawn = normal(1, 2, [5], generator: first);
        first.set_state(state);
        Near.Equal(drawn, normal(1, 2, [5], generator: first), 0);
        manual_seed(3);
        var a = rand(2);
        manual_seed(3);
        Near.Equal(a, rand(2), 0);
        Assert.Equal([0L, 1, 2, 3, 4], randperm(5, generator: first).sort().Values.data<long>().ToArray());
    }

    [Fact]
    public void Half_types_round_trip()
    {
        var values = tensor(new float[] { 1, -2.5f, 3.14159f });
        Assert.Equal((Half)(-2.5f), values.half().data<Half>()[1]);
        Assert.Equal(new BFloat16(3.14159f), values.bfloat16().data<BFloat16>()[2]);
        Assert.Equal(3.140625f, values.bfloat16().@float().data<float>()[2]);
        Assert.Equal([1, 0, 2, 0], tensor(new short[] { 1, 2 }).bytes.ToArray());
    }

    [Fact]
    public void Accessors_follow_strides_and_check_types()
    {
        var matrix = tensor(new float[,] { { 1, 2, 3 }, { 4, 5, 6 } });
        Assert.Equal([1f, 4, 2, 5, 3, 6], matrix.t().data<float>().ToArray());
        Assert.Equal(new float[,] { { 1, 4 }, { 2, 5 }, { 3, 6 } }, (float[,])matrix.t().data<float>().ToNDArray());
        Assert.Equal(6f, matrix.data<float>()[1, 2]);
        matrix.data<float>()[0, 0] = 9;
        Assert.Equal(9f, matrix[0, 0].item<float>());
        Assert.Throws<ArgumentException>(() => matrix.data<double>());
        Assert.Throws<ArgumentException>(() => matrix.item<float>());
        Assert.Throws<InvalidOperationException>(() => matrix.t().bytes.Length);
        Assert.Equal(4.0, (double)matrix[1, 0]);
        Assert.Equal(7, tensor(7).ToScalar().ToInt32());
    }
}
