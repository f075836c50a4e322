namespace FedLora.Compression.Tests;

public sealed class EncodeUpTests
{
    private const string A = "base_model.model.m.lora_A.weight";
    private static readonly VectorLayout Layout = new([(A, [1, 49])]);

    /// <summary>
    /// A change below half a step of the format is rounded away each time, unless what was rounded off comes along with the next.
    /// </summary>
    [Theory]
    [InlineData(ValueFormat.F16)]
    [InlineData(ValueFormat.BF16)]
    [InlineData(ValueFormat.Q8)]
    [InlineData(ValueFormat.Q4)]
    public void What_a_format_rounds_off_arrives_in_later_rounds(ValueFormat format)
    {
        var (start, residual, arrived) = (new float[49], Array.Empty<float>(), new double[49]);
        float[] trained = [.. Enumerable.Range(0, 49).Select(i => i == 0 ? 1f : 2e-8f * (1 + (i % 5)))];
        for (var round = 0; round < 100; round++)
        {
            (var bytes, residual) = SparseCommunication.EncodeUp(Layout, start, trained, 1, residual, format, (ulong)round);
            var change = SparseCodec.Decode(bytes, Layout.Length, Layout.Digest.Span).ToDense();
            for (var i = 0; i < change.Length; i++)
                arrived[i] += change[i];
        }
        for (var i = 0; i < arrived.Length; i++)
            Assert.Equal(100 * (double)trained[i], arrived[i] + residual[i], 2e-6 * Math.Max(1e-3, trained[i] * 100));
    }

    [Fact]
    public void Two_hundred_millionths_a_round_in_f16_are_two_millionths_after_a_hundred()
    {
        var (residual, arrived) = (Array.Empty<float>(), 0.0);
        for (var round = 0; round < 100; round++)
        {
            (var bytes, residual) = SparseCommunication.EncodeUp(Layout, new float[49], [.. Enumerable.Repeat(2e-8f, 49)], 1, residual,
                ValueFormat.F16, 0);
            arrived += SparseCodec.Decode(bytes, Layout.Length, Layout.Digest.Span).ToDense()[7];
        }
        Assert.Equal(2e-6, arrived, 6e-8);
    }

    [Theory]
    [InlineData(float.MaxValue)]
    [InlineData(-float.MaxValue)]
    [InlineData(3.3961775e38f)]
    public void The_largest_float_stays_finite_in_bf16(float value)
    {
        var vector = new SparseVector(1, [0], [value]);
        var arrived = SparseCodec.Decode(SparseCodec.Encode(vector, ValueFormat.BF16, Layout.Digest.Span), 1,
            Layout.Digest.Span).Values[0];
        Assert.InRange(Math.Abs(arrived / value), 1 - Math.ScaleB(1, -8), 1 + Math.ScaleB(1, -9));
    }
}
